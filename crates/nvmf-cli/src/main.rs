//! The program `nvmf`.

fn main() -> std::process::ExitCode {
    nvmf_cli::main()
}
