#![no_main]
use ironlet::disk::ibft::{BootDisk, Chap};
use ironlet::error::Error;
use ironlet::iscsi::login::{Asking, Outcome, login};
use ironlet::secret::Secret;

// A target that says anything: the login ends, and what was agreed on is within bounds.
libfuzzer_sys::fuzz_target!(|answers: (u8, Vec<(u8, u8, u16, String)>)| {
    let (chap, answers) = answers;
    let back = (chap > 1).then(|| ("t".to_owned(), Secret::new("u")));
    let chap = (chap > 0).then(|| Chap { user: "m".to_owned(), secret: Secret::new("s"), back });
    let portal = ([192, 0, 2, 1], 3260).into();
    let disk = BootDisk { initiator: "iqn.a".to_owned(), target: "iqn.b".to_owned(), portal, lun: 0, chap };
    let mut answers = answers.into_iter();
    let asking = Asking { disk: &disk, isid: [0x80; 6] };
    let mut turns = 0;
    let outcome = login(&asking, &mut |_, _| {
        turns += 1;
        assert!(turns < 1000, "it goes on for ever");
        let (kind, flags, status, text) = answers.next().ok_or_else(|| Error::plain("no more"))?;
        let mut head = [0; 48];
        (head[0], head[1]) = (if kind > 9 { 0x23 } else { kind }, flags);
        head[36..38].copy_from_slice(&status.to_be_bytes());
        Ok((head, text.into_bytes()))
    });
    if let Ok(Outcome::Agreed(agreed)) = outcome {
        assert!((512..=262_144).contains(&agreed.max_burst) && agreed.first_burst <= agreed.max_burst);
        assert!((512..=262_144).contains(&agreed.sent_at_once) && agreed.group.parse::<u16>().is_ok());
    }
});
