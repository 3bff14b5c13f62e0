//! `egret init`: a commented configuration to start from.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Outcome;
use crate::failure::Failure;
use crate::project::CONFIGURATION_FILE;

const STARTER: &str = include_str!("../../starter.hcl");

/// What to write where.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  egret init logs && cd logs && egret config check")]
pub struct Options {
    /// The folder; made if it is not there
    #[arg(default_value = ".")]
    dir: PathBuf,
}

/// Writes the configuration, unless there is one.
pub fn run(options: &Options) -> Outcome {
    let path = options.dir.join(CONFIGURATION_FILE);
    let refused =
        |error: std::io::Error| Failure::outside(format!("cannot write {}: {error}", path.display()));
    std::fs::create_dir_all(&options.dir).map_err(refused)?;
    let file = std::fs::File::options().write(true).create_new(true).open(&path);
    let mut file = match file {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(Failure::usage(format!("{} is there already", path.display()))
                .hint("name another folder: `egret init DIR`"));
        }
        other => other.map_err(refused)?,
    };
    file.write_all(STARTER.as_bytes()).map_err(refused)?;
    eprintln!("wrote {}; edit it, then: egret collect", path.display());
    Ok(ExitCode::SUCCESS)
}
