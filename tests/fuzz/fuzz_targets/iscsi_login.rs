#![no_main]
use ironlet::disk::ibft::{BootDisk, Chap};
use ironlet::error::Error;
use ironlet::iscsi::login::{Asking, Outcome, login};
use ironlet::secret::Secret;

// A target that says anything: the login ends, and what was agreed on is within bounds.
// Whether CHAP is wanted, and then each answer: kind, flags, status and text, to a byte of 255.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&chap, answers)) = bytes.split_first() else { return };
    let back = (chap > 1).then(|| ("t".to_owned(), Secret::new("u")));
    let chap = (chap > 0).then(|| Chap { user: "m".to_owned(), secret: Secret::new("s"), back });
    let portal = ([192, 0, 2, 1], 3260).into();
    let disk = BootDisk { initiator: "iqn.a".to_owned(), target: "iqn.b".to_owned(), portal, lun: 0, chap };
    let mut answers = answers.split(|byte| *byte == 0xff);
    let asking = Asking { disk: &disk, isid: [0x80; 6] };
    let mut turns = 0;
    let outcome = login(&asking, &mut |_, _| {
        turns += 1;
        assert!(turns < 1000, "it goes on for ever");
        let answer = answers.next().and_then(|answer| answer.split_first_chunk());
        let (&[kind, flags, class, detail], text) = answer.ok_or_else(|| Error::plain("no more"))?;
        let mut head = [0; 48];
        (head[0], head[1]) = (if kind > 9 { 0x23 } else { kind }, flags);
        head[36..38].copy_from_slice(&[class, detail]);
        Ok((head, text.to_vec()))
    });
    if let Ok(Outcome::Agreed(agreed)) = outcome {
        assert!((512..=262_144).contains(&agreed.max_burst) && agreed.first_burst <= agreed.max_burst);
        assert!((512..=262_144).contains(&agreed.sent_at_once) && agreed.group.parse::<u16>().is_ok());
    }
});
