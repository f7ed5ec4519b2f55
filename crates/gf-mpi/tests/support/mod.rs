//! Starting programs under mpirun.

#![allow(dead_code, reason = "each test binary uses some of it")]

use std::path::Path;
use std::process::{Command, Stdio};

/// `mpirun -n RANKS PROGRAM`, on this machine, whose cores may be fewer, and on the loopback.
pub(crate) fn mpirun(ranks: usize, program: &Path) -> Command {
    let version = Command::new("mpirun").arg("--version").output().expect("mpirun is there: `cargo xtask mpi --check`");
    let mut command = Command::new("mpirun");
    // Messages of launchers differ; what they do with what they are given does not.
    if String::from_utf8_lossy(&version.stdout).contains("Open MPI") {
        command.arg("--oversubscribe");
    }
    for (key, value) in [
        ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
        ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
        ("OMPI_MCA_btl_tcp_if_include", "lo"),
        ("OMPI_MCA_oob_tcp_if_include", "lo"),
        // Containers forbid what shared memory would use to copy once in place of twice.
        ("OMPI_MCA_btl_vader_single_copy_mechanism", "none"),
        ("RAYON_NUM_THREADS", "1"),
    ] {
        command.env(key, value);
    }
    command.args(["-n", &ranks.to_string()]).arg(program).stdin(Stdio::null());
    command
}
