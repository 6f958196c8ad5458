//! The program: turns what the command line says into an exit code.

/// Plans are made of very many small JSON values, on every core at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    coursebuild::cli::main()
}
