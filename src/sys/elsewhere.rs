//! Stand-ins for what only Linux's `/proc` tells, so that gates compile. No run comes so far as to ask.

pub(crate) mod disposition {
    use crate::signal::Disposition;

    pub(crate) const fn of(_: i32, _: i32) -> Option<Disposition> {
        None
    }

    pub(crate) const fn runtime_handler(_: i32, _: i32) -> Option<&'static str> {
        None
    }
}

pub(crate) mod proc {
    pub(crate) struct ProcessInfo {
        pub(crate) pid: i32,
        pub(crate) name: String,
    }

    pub(crate) fn descendants_of(_: i32) -> std::io::Result<Vec<ProcessInfo>> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    pub(crate) const fn listens_at(_: i32, _: std::net::SocketAddr) -> bool {
        false
    }
}
