//! Which processes belong to a folder: those whose environment says so.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// Where the kernel tells of processes.
const PROC: &str = "/proc";
/// A process that is just being started shows its environment within microseconds of CPU time; a busy machine takes longer.
const LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(10);

/// The processes whose environment holds `variable`; none where there is no /proc to ask.
pub(super) fn with(variable: &str) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(PROC) else {
        return Vec::new();
    };
    let ids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| environment_of(*id).is_some_and(|environment| holds(&environment, variable)))
        .collect()
}

/// The environment of a process; `None` where there is none to see.
///
/// Whoever starts a process goes on before the kernel has set it up, and its environment looks empty until then.
fn environment_of(id: u32) -> Option<Vec<u8>> {
    let process = Path::new(PROC).join(id.to_string());
    for _ in 0..LOOKS {
        // In this order: what is read after the process is set up is the whole.
        let is_starting = is_starting(&process);
        let environment = fs::read(process.join("environ")).ok()?;
        if !environment.is_empty() || !is_starting {
            return Some(environment);
        }
        std::thread::sleep(PAUSE);
    }
    None
}

/// Whether a process has a program that the kernel has not yet set up.
fn is_starting(process: &Path) -> bool {
    // Neither a thread of the kernel nor a process that has ended has a program.
    fs::read_link(process.join("exe")).is_ok() && start_of_code(process) == Some(0)
}

/// Where the program's code begins, from proc_pid_stat(5). Linux's `load_elf_binary` fills it in after the environment.
fn start_of_code(process: &Path) -> Option<u64> {
    /// Field 26, counted from the third: the second, in brackets, may hold anything.
    const FIELD: usize = 23;
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    fields.nth(FIELD)?.parse().ok()
}

fn holds(environment: &[u8], variable: &str) -> bool {
    environment
        .split(|byte| *byte == 0)
        .any(|entry| entry == variable.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_variable_counts() {
        let environment = b"A=1\0CI_SCRATCH=/tmp/ci-1\0B=2\0";
        assert!(holds(environment, "CI_SCRATCH=/tmp/ci-1"));
        assert!(!holds(environment, "CI_SCRATCH=/tmp/ci-"));
        assert!(!holds(b"", "CI_SCRATCH=/tmp/ci-1"));
    }

    #[cfg(target_os = "linux")]
    mod linux {
        use std::process::Command;

        use super::*;

        #[test]
        fn a_process_that_has_just_been_started_is_seen() {
            let mark = format!("SEEN_AT_ONCE={}", std::process::id());
            let (name, value) = mark.split_once('=').unwrap();
            for _ in 0..50 {
                let mut child = Command::new("sleep")
                    .arg("60")
                    .env(name, value)
                    .spawn()
                    .unwrap();
                let environment = environment_of(child.id());
                child.kill().unwrap();
                child.wait().unwrap();
                assert!(holds(&environment.unwrap(), &mark));
            }
        }

        #[test]
        fn an_empty_environment_is_one() {
            let mut child = Command::new("sleep").arg("60").env_clear().spawn().unwrap();
            let environment = environment_of(child.id());
            child.kill().unwrap();
            child.wait().unwrap();
            assert_eq!(environment, Some(Vec::new()));
        }

        #[test]
        fn a_process_that_has_ended_has_no_environment_to_wait_for() {
            let mut child = Command::new("true").spawn().unwrap();
            let process = Path::new(PROC).join(child.id().to_string());
            while fs::read_link(process.join("exe")).is_ok() {
                std::thread::yield_now();
            }
            assert!(!is_starting(&process));
            child.wait().unwrap();
        }
    }
}
