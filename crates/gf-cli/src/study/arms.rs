//! The problem as an arm sees it, and the checks of arms.

use std::borrow::Cow;
use std::sync::Arc;

use gf_layers::{Batches, Network, NetworkError};
use miette::Report;

use super::memory::memory_shortage;
use super::name::{NAME_EXPECTED, is_file_name};
use super::spec::ArmSpec;
use super::{Conserved, Problem, Subject};

impl Problem {
    /// The problem as an arm sees it: with its own initialization, skip connections, output and loss, where it has them.
    pub fn of_arm(&self, arm: &ArmSpec) -> Cow<'_, Self> {
        let is_plain = arm.initialization.is_none() && arm.skip.is_none();
        if is_plain && arm.output.is_none() && arm.loss.is_none() {
            return Cow::Borrowed(self);
        }
        let mut own = self.clone();
        if let Subject::Network(problem) = &mut own.subject {
            problem.initialization = arm.initialization.unwrap_or(problem.initialization);
            adapt(&mut problem.network, arm);
            if let Some(spec) = &arm.loss {
                problem.loss = spec.loss();
                problem.loss_spec = spec.clone();
            }
        }
        Cow::Owned(own)
    }

    /// Checks the arms, one by one.
    pub(super) fn check_arms(&self) -> Result<(), Report> {
        for (index, arm) in self.study.arms.iter().enumerate() {
            let index_text = index.to_string();
            let error = |path: &[&str], message: &dyn std::fmt::Display| {
                let path: Vec<&str> = ["arm", &index_text].iter().chain(path).copied().collect();
                self.document.error_at(&path, message)
            };
            if !is_file_name(&arm.name) {
                let reason = "as the name becomes part of file names";
                return Err(error(&["name"], &format!("{NAME_EXPECTED}, {reason}; found \"{}\"", arm.name)));
            }
            if self.study.arms[..index].iter().any(|other| other.name == arm.name) {
                return Err(error(&["name"], &format!("the name \"{}\" is taken by an earlier arm", arm.name)));
            }
            let settings = |table: &'static str| {
                move |settings: gf_optim::SettingsError| {
                    let (name, key) = settings.key.split_once('.').unwrap_or(("", &settings.key));
                    let message = format!("expected {}, found {}", settings.expected, settings.found);
                    error(&[table, name, key], &message)
                }
            };
            arm.method.validate().map_err(settings("method"))?;
            arm.method.build_control(arm.control.as_ref()).map_err(settings("control"))?;
            self.check_schedule(index, arm)?;
            if let Some(start) = &arm.start {
                match &self.subject {
                    Subject::Function(function) => {
                        function.check_start(start).map_err(|message| error(&["start"], &message))?;
                    }
                    Subject::Network(_) => return Err(error(&["start"], &"only functions, [problem], take a start")),
                }
            }
            if let Some(sigma) = arm.gradient_noise {
                if self.study.problem.is_none() {
                    return Err(error(
                        &["gradient_noise"],
                        &"only functions, [problem], take noise; a network has batches",
                    ));
                }
                if !(sigma.is_finite() && sigma >= 0.0) {
                    return Err(error(
                        &["gradient_noise"],
                        &format!("expected a number that is not negative, found {sigma}"),
                    ));
                }
            }
            let network_key = [
                ("initialization", arm.initialization.is_some()),
                ("skip", arm.skip.is_some()),
                ("output", arm.output.is_some()),
                ("loss", arm.loss.is_some()),
            ];
            if let (Some((key, _)), Some(_)) = (network_key.iter().find(|(_, is_set)| *is_set), &self.study.problem) {
                return Err(error(&[*key], &"only networks have it, [problem] has none"));
            }
            if let Some(initialization) = &arm.initialization {
                initialization.validate().map_err(|fault| error(&["initialization"], &fault))?;
            }
            self.check_loss_of(index, arm)?;
            if self.study.run.conservation {
                Conserved::new(&self.of_arm(arm)).map_err(|message| {
                    let message = format!("arm \"{}\": {message}", arm.name);
                    self.document.error_at(&["run", "conservation"], message)
                })?;
            }
            // Ranks may have different memories.
            self.ranks.agree(self.check_memory(index, &arm.method))?;
        }
        Ok(())
    }

    /// An arm's own output and loss beside each other, and the loss beside the targets of the first seed.
    fn check_loss_of(&self, index: usize, arm: &ArmSpec) -> Result<(), Report> {
        let Subject::Network(problem) = &self.subject else { return Ok(()) };
        if arm.loss.is_none() && arm.output.is_none() && arm.skip.is_none() {
            return Ok(());
        }
        let index = index.to_string();
        let error = |path: &[&str], message: String| {
            let path: Vec<&str> = ["arm", &index].iter().chain(path).copied().collect();
            self.document.error_at(&path, message)
        };
        let mut network = problem.network.clone();
        adapt(&mut network, arm);
        let Some(spec) = &arm.loss else {
            let key = if arm.output.is_some() { "output" } else { "skip" };
            return problem.loss_spec.check(&network).map_err(|fault| error(&[key], fault.message));
        };
        spec.check(&network).map_err(|fault| error(&["loss", fault.key], fault.message))?;
        let data = self.data(self.study.run.seeds[0])?;
        [data.train, data.validation].into_iter().try_for_each(|samples| {
            let own = Arc::clone(samples.own());
            let objective = match samples.part() {
                None => network.objective_shared(spec.loss(), own, Batches::full()),
                Some(part) => network.objective_of_part(spec.loss(), own, part, Batches::full()),
            };
            match objective {
                // The labels of other ranks are known when it is run.
                Ok(_) | Err(NetworkError::PartWithoutLabels) => Ok(()),
                Err(fault) => Err(error(&["loss", "kind"], fault.to_string())),
            }
        })
    }

    /// Refuses a dense matrix that does not fit in the memory of this machine.
    fn check_memory(&self, index: usize, method: &gf_optim::registry::MethodSettings) -> Result<(), Report> {
        let (dim, bytes) = (self.dim(), method.dense_bytes(self.dim()));
        if let Some(message) = memory_shortage(dim, bytes) {
            let index = index.to_string();
            return Err(self.document.error_at(&["arm", &index, "method", method.info().name], message));
        }
        Ok(())
    }
}

/// The network of an arm: with its own skip connections and output, where it has them.
fn adapt(network: &mut Network, arm: &ArmSpec) {
    if let Some(skip) = arm.skip {
        set_skip(network, skip);
    }
    if let (Some(output), Some(last)) = (arm.output, network.layers.last_mut()) {
        last.activation = output;
    }
}

/// Skip connections around all hidden layers as wide as their inputs, or around no layer.
fn set_skip(network: &mut Network, skip: bool) {
    let (mut inputs, hidden) = (network.input, network.layers.len() - 1);
    for (l, layer) in network.layers.iter_mut().enumerate() {
        layer.skip = skip && l < hidden && layer.units == inputs;
        inputs = layer.units;
    }
}
