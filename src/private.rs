//! Files that their owner alone can read: databases, keys, and what is exported.

use std::fs::{File, OpenOptions};
use std::io::Result;
use std::path::Path;

#[cfg(unix)]
const MODE: u32 = 0o600;

/// Makes a file.
///
/// # Errors
/// `AlreadyExists` when there is something of this name.
pub fn create(path: &Path) -> Result<File> {
    options().create_new(true).open(path)
}

/// Makes a file, or empties the one that is there, whoever could read that.
pub fn replace(path: &Path) -> Result<File> {
    let file = options().create(true).truncate(false).open(path)?;
    // It may be a pipe or a terminal, which is somebody else's.
    if file.metadata()?.is_file() {
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(MODE))?;
        file.set_len(0)?;
    }
    Ok(file)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, MODE);
    options
}
