//! What `gf-mpi` needs of the machine, and how to get it.

mod measure;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};
use clap::Args;

/// Options of `cargo xtask mpi`.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Only say what is there and what is missing; exit code 1 when something is.
    #[arg(long)]
    pub(crate) check: bool,
    /// Measure sums, gradients and Hessian products on 1, 2 and 4 ranks, and write docs/scaling.md (minutes; wants an idle machine).
    #[arg(long, conflicts_with = "check")]
    measure: bool,
}

/// Something that building or starting `gf-mpi` needs.
struct Need {
    name: &'static str,
    purpose: &'static str,
    is_there: fn() -> bool,
    /// On Debian and Ubuntu.
    package: &'static str,
}

const NEEDS: [Need; 4] = [
    Need {
        name: "mpicc",
        purpose: "the MPI library with its headers",
        is_there: || starts("mpicc"),
        package: "libopenmpi-dev",
    },
    Need { name: "mpirun", purpose: "what starts the ranks", is_there: || starts("mpirun"), package: "openmpi-bin" },
    Need { name: "cc", purpose: "a C compiler, for the bindings", is_there: || starts("cc"), package: "gcc libc6-dev" },
    Need {
        name: "libclang",
        purpose: "reads the headers for the bindings",
        is_there: has_libclang,
        package: "libclang-dev",
    },
];

/// What `gf-mpi` needs and this machine lacks, as packages of Debian.
pub(crate) fn missing() -> Vec<&'static str> {
    NEEDS.iter().filter(|need| !(need.is_there)()).map(|need| need.package).collect()
}

/// The packages that cargo works on: all where MPI is there, all but `gf-mpi` where it is not.
pub(crate) fn workspace() -> &'static [&'static str] {
    if missing().is_empty() { &["--workspace"] } else { &["--workspace", "--exclude", "gf-mpi"] }
}

/// Says what is there; builds `gf-mpi` where nothing is missing.
#[expect(clippy::print_stdout, reason = "the answer")]
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    for need in &NEEDS {
        let found = if (need.is_there)() { "found  " } else { "missing" };
        println!("{found}  {:<9} {}", need.name, need.purpose);
    }
    let packages = missing();
    if !packages.is_empty() {
        bail!(
            "gf-mpi cannot be built here; everything else can.\n\
             Debian, Ubuntu:  apt-get install {}\n\
             Fedora:          dnf install openmpi-devel clang-devel gcc (then: module load mpi)\n\
             macOS:           brew install open-mpi llvm\n\
             Clusters:        module load openmpi (or mpich), and LIBCLANG_PATH where libclang.so lies elsewhere",
            packages.join(" ")
        );
    }
    if options.check {
        return Ok(());
    }
    if options.measure {
        return measure::run(root);
    }
    super::cargo(root, ["build", "--release", "--package", "gf-mpi"])?;
    let binary = super::binary(root, "release", "gf-mpi");
    println!("\nmpirun -n 2 {} run STUDY.toml", binary.strip_prefix(root).unwrap_or(&binary).display());
    Ok(())
}

fn starts(program: &str) -> bool {
    let quiet = || Stdio::null();
    Command::new(program).arg("--version").stdout(quiet()).stderr(quiet()).status().is_ok_and(|status| status.success())
}

fn has_libclang() -> bool {
    let is_libclang = |path: &Path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with("libclang") && (name.contains(".so") || name.ends_with(".dylib") || name.ends_with(".dll"))
    };
    let holds_it = |folder: PathBuf| {
        std::fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(|entry| is_libclang(&entry.path())))
    };
    if let Some(path) = std::env::var_os("LIBCLANG_PATH").map(PathBuf::from) {
        return is_libclang(&path) || holds_it(path);
    }
    let mut folders: Vec<PathBuf> =
        ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"]
            .map(PathBuf::from)
            .into();
    for parent in ["/usr/lib", "/opt/homebrew/opt", "/usr/local/opt"] {
        let Ok(entries) = std::fs::read_dir(parent) else { continue };
        let is_llvm = |name: &str| name.starts_with("llvm");
        folders.extend(
            entries
                .flatten()
                .filter(|entry| is_llvm(&entry.file_name().to_string_lossy()))
                .map(|entry| entry.path().join("lib")),
        );
    }
    folders.into_iter().any(holds_it)
}
