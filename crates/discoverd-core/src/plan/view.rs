//! A step for programs: the fields of `nvmf plan -o json` (docs/cli-json.md).

use serde::{Deserialize, Serialize};

use super::{PlannedStep, PlannedWork};

/// One step as plain values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StepView {
    /// The step as a line for people.
    pub text: String,
    /// In how many milliseconds; 0: now.
    pub in_ms: u64,
    /// `connect`, `await`, `claim`, `read-log-page`; where nothing would be done `keep`,
    /// `leave-alone`, `exclude`, `give-up`, `wait`.
    pub action: String,
    /// The controller, where there is one.
    pub device: Option<String>,
    /// Whose it would become, or is.
    pub owner: Option<String>,
    /// `transport=…;traddr=…;…`
    pub connection: String,
    /// Who desires it.
    pub because: String,
}

impl From<&PlannedStep> for StepView {
    fn from(step: &PlannedStep) -> Self {
        let (action, device, owner) = match &step.work {
            PlannedWork::Connect { owner, .. } => ("connect", None, Some(owner)),
            PlannedWork::Await => ("await", None, None),
            PlannedWork::Claim { device, owner } => ("claim", Some(device), Some(owner)),
            PlannedWork::ReadLogPage { device } => ("read-log-page", Some(device), None),
            PlannedWork::Keep { device } => ("keep", Some(device), None),
            PlannedWork::LeaveAlone { device, owner } => {
                ("leave-alone", Some(device), owner.as_ref())
            }
            PlannedWork::Exclude(_) => ("exclude", None, None),
            PlannedWork::GiveUp => ("give-up", None, None),
            PlannedWork::Wait(_) => ("wait", None, None),
        };
        Self {
            text: step.to_string(),
            in_ms: step.in_ms,
            action: action.to_owned(),
            device: device.map(ToString::to_string),
            owner: owner.map(ToString::to_string),
            connection: step.tid.to_string(),
            because: step.because.clone(),
        }
    }
}
