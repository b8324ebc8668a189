//! For how long an address is granted, and when more time is asked for (RFC 2131 §4.4.5). Pure.

use std::time::Duration;

/// The shortest lease we take at its word: below this the renewals themselves would be a flood.
const SHORTEST: Duration = Duration::from_secs(2);
/// The soonest a server can make us renew a longer one.
const SOONEST: Duration = Duration::from_millis(7500);

/// From the moment it was asked for: ask the server for more, ask anybody, give it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// After which the server is asked (T1).
    pub renew: Duration,
    /// After which any server is asked (T2).
    pub rebind: Duration,
    /// After which the address is gone.
    pub expire: Duration,
}

impl Times {
    /// A lease that never ends.
    pub const FOR_EVER: Times = Times {
        renew: Duration::MAX,
        rebind: Duration::MAX,
        expire: Duration::MAX,
    };
    /// For a server that does not say, as busybox's client has it.
    pub const UNSAID: Times = Times {
        renew: Duration::from_secs(1800),
        rebind: Duration::from_secs(3150),
        expire: Duration::from_secs(3600),
    };

    /// Seconds as options 51, 58 and 59 have them. RFC 2131 §4.4.5: half and seven eighths of the lease unless the
    /// server says otherwise, and sanely; §3.3: all ones are for ever.
    pub fn new(expire: u32, renew: Option<u32>, rebind: Option<u32>) -> Times {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        if expire == u32::MAX {
            return Times::FOR_EVER;
        }
        let expire = seconds(expire).max(SHORTEST);
        let soonest = SOONEST.min(expire / 4);
        let rebind = rebind.map(seconds).filter(|rebind| *rebind < expire);
        let rebind = rebind.unwrap_or(expire * 7 / 8).max(soonest * 2);
        let renew = renew.map(seconds).filter(|renew| *renew < rebind);
        let renew = renew.unwrap_or(expire / 2).clamp(soonest, rebind);
        Times {
            renew,
            rebind,
            expire,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_order_whatever_the_server_says() {
        for (expire, renew, rebind) in [
            (1, None, None),
            (1, Some(0), Some(0)),
            (5, Some(4), Some(4)),
            (10, None, None),
            (3600, Some(9999), Some(9999)),
            (3600, Some(3000), Some(100)),
            (u32::MAX - 1, Some(1), Some(2)),
        ] {
            let times = Times::new(expire, renew, rebind);
            let said = format!("{expire} {renew:?} {rebind:?}: {times:?}");
            assert!(
                times.renew <= times.rebind && times.rebind < times.expire,
                "{said}"
            );
            assert!(times.renew >= SOONEST.min(times.expire / 4), "{said}");
            // It must not be used for longer than it was given.
            let given = Duration::from_secs(expire.into()).max(SHORTEST);
            assert_eq!(times.expire, given, "{said}");
        }
    }
}
