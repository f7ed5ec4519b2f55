//! `mpirun -n 4 gf-mpi run STUDY.toml`: the commands of `gf` that run studies, on the ranks of an MPI program.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use gf_cli::Ranks;
use gf_cli::arguments::Arguments;
use gf_core::Communicator;
use gf_mpi::{MpiCommunicator, start};

/// How long other ranks wait before they speak: what rank 0 knows too, it says, and ends all.
const PATIENCE: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let Some(universe) = start() else {
        eprintln!("MPI cannot be started");
        return ExitCode::from(2);
    };
    let world = Arc::new(MpiCommunicator::world(&universe));
    let (rank, size) = (world.rank(), world.size());
    // The same words on all ranks: one of them speaks.
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            if rank == 0 {
                let _ = error.print();
            }
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    let ranks = Ranks::new(Arc::clone(&world) as Arc<dyn Communicator>);
    let run = AssertUnwindSafe(|| gf_cli::commands::execute_on(arguments, &ranks));
    match catch_unwind(run) {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(report)) if ranks.have_failed_together() => {
            if rank == 0 {
                eprintln!("{report:?}");
            }
            ExitCode::from(2)
        }
        Ok(Err(report)) => {
            if rank != 0 {
                std::thread::sleep(PATIENCE);
                eprintln!("on rank {rank} of {size}:");
            }
            eprintln!("{report:?}");
            // Others may wait for this rank.
            world.abort(2)
        }
        Err(_) => {
            eprintln!("rank {rank} of {size} ends all ranks");
            world.abort(101)
        }
    }
}
