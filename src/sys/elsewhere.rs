//! Stand-ins for what only Linux's `/proc` tells, so that gates compile. No run comes so far as to ask.

pub(crate) mod disposition {
    use crate::signal::Disposition;

    pub(crate) const fn of(_: i32, _: i32) -> Option<Disposition> {
        None
    }

    pub(crate) const fn hides_its_waits(_: i32) -> bool {
        false
    }

    pub(crate) const fn runtime_handler(_: i32, _: i32) -> Option<&'static str> {
        None
    }
}

pub(crate) mod idle {
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) struct Asleep;

    pub(crate) const fn look_at_tree(_: i32) -> Result<Asleep, String> {
        Err(String::new())
    }

    pub(crate) const fn look_at(_: i32, _: &str) -> Result<Asleep, String> {
        Err(String::new())
    }
}

pub(crate) mod unix_sockets {
    pub(crate) const fn listens_at(_: i32, _: &std::path::Path) -> bool {
        false
    }
}

pub(crate) mod proc {
    pub(crate) const fn threads_awake(_: i32) -> Vec<(i32, std::time::Duration)> {
        Vec::new()
    }

    pub(crate) struct ProcessInfo {
        pub(crate) pid: i32,
        pub(crate) parent: i32,
        pub(crate) name: String,
        pub(crate) has_executed: bool,
        pub(crate) exiting: bool,
    }

    impl ProcessInfo {
        pub(crate) const fn is_zombie(&self) -> bool {
            false
        }
    }

    pub(crate) const fn inspect(_: i32) -> Option<ProcessInfo> {
        None
    }

    pub(crate) fn children_of(_: i32) -> std::io::Result<Vec<i32>> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    pub(crate) const fn started_by(_: i32) -> Vec<ProcessInfo> {
        Vec::new()
    }

    pub(crate) fn descendants_of(_: i32) -> std::io::Result<Vec<ProcessInfo>> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    pub(crate) const fn listens_at(_: i32, _: std::net::SocketAddr) -> bool {
        false
    }
}
