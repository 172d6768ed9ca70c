#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    locum::cli::run()
}
