//! The program `relance`: everything is in the library.

fn main() -> std::process::ExitCode {
    relance::cli::main()
}
