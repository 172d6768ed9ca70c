/// Where a request comes from, as far as a server can tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Visitor {
    /// An IP address; empty when the connection has none.
    pub address: String,
    /// What the program says it is, bounded.
    pub user_agent: String,
    /// Names the request in the log, in its answer, and in what is remembered of it.
    pub request_id: String,
}
