//! From the configuration to states: what generators may use, where states are kept, and who is meant by a name.

mod progress;
mod rehearsal;
mod run;
mod runner;
mod sweep;
mod tell;

use std::sync::Arc;
use std::time::Duration;

use egret_config::{Diagnostics, Environment, Located};
use egret_model::{ChannelPattern, Clock, Source, suggest};
use egret_output::ServiceContext;
use egret_pipeline::{PartitionDefinition, PartitionPlan};
use egret_state::{CHANGE_TABLE, GeneratorContext, GeneratorDefinition, RunFilter, StateStore};

use crate::failure::Failure;
use crate::lake_queries::LakeQueries;
use crate::project::Project;

pub use progress::RunProgress;
pub use rehearsal::{StateTests, generator_channels};
pub use run::{RunContext, RunReport};
pub use runner::{Event, Runner, Schedule};
pub use sweep::sweep_daily;
pub use tell::{alert_of_run, print_run};

/// A request or a run may take so long where a generator's block does not say.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const RUN_TIMEOUT: Duration = Duration::from_secs(600);

/// What generators may use of the process.
pub fn generator_context(
    environment: &Environment,
    clock: &Arc<dyn Clock>,
    lake: LakeQueries,
) -> GeneratorContext {
    let service = ServiceContext {
        environment: Arc::new(environment.clone()),
        clock: Arc::clone(clock),
        timeout: REQUEST_TIMEOUT,
    };
    GeneratorContext { service, run_timeout: RUN_TIMEOUT, lake: Some(Arc::new(lake)) }
}

impl Project {
    /// Opens the store of states, and makes it where there is none.
    pub async fn create_state_store(&self) -> Result<Arc<dyn StateStore>, Failure> {
        Ok(self.state_settings.open(self.lake_folder(), &self.working_folder).await?)
    }

    /// Opens the store of states, unless there is none yet.
    pub async fn open_state_store(&self) -> Result<Option<Arc<dyn StateStore>>, Failure> {
        if !self.state_settings.is_there(self.lake_folder(), &self.working_folder) {
            return Ok(None);
        }
        self.create_state_store().await.map(Some)
    }

    /// Opens the store of states that must be there.
    pub async fn existing_state_store(&self) -> Result<Arc<dyn StateStore>, Failure> {
        self.open_state_store().await?.ok_or_else(|| self.no_state())
    }

    /// There is nothing to show yet.
    pub fn no_state(&self) -> Failure {
        Failure::usage("no generator has run yet").hint("run them first: `egret state run`")
    }

    /// The generators that are meant: by name, as TYPE.NAME, by type, or by a pattern of channels. All, if nothing is
    /// said.
    pub fn generators_named(&self, names: &[String]) -> Result<Vec<&GeneratorDefinition>, Failure> {
        if let Some(name) = names.iter().find(|name| !self.generators.iter().any(|one| is_meant(one, name))) {
            return Err(self.unknown_generator(name));
        }
        let is_one =
            |one: &&GeneratorDefinition| names.is_empty() || names.iter().any(|name| is_meant(one, name));
        Ok(self.generators.iter().filter(is_one).collect())
    }

    fn unknown_generator(&self, name: &str) -> Failure {
        let failure = Failure::usage(format!("there is no generator `{name}`"));
        if self.generators.is_empty() {
            return failure.hint("the configuration has none: `egret generator list` shows the types");
        }
        let names = self.generators.iter().map(|generator| generator.name.value.as_str());
        match suggest::nearest(name, names.clone()) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint(format!("there are {}", names.collect::<Vec<_>>().join(", "))),
        }
    }

    /// The names of the generators whose states are meant: those of the configuration, else the one of that name that
    /// left states before it was taken out.
    pub async fn states_named(&self, store: &dyn StateStore, name: &str) -> Result<Vec<String>, Failure> {
        let names = [name.to_owned()];
        let unknown = match self.generators_named(&names) {
            Ok(found) => return Ok(found.iter().map(|found| found.name.value.clone()).collect()),
            Err(unknown) => unknown,
        };
        let filter = RunFilter { generator: Some(name.to_owned()), limit: Some(1), ..RunFilter::default() };
        if store.runs(&filter).await?.is_empty() { Err(unknown) } else { Ok(names.to_vec()) }
    }

    /// The way of a generator's changes.
    pub fn plan_of_changes(
        &self,
        generator: &GeneratorDefinition,
        source: Arc<dyn Source>,
    ) -> Result<PartitionPlan, Failure> {
        let table = Located { value: CHANGE_TABLE.to_owned(), location: generator.name.location.clone() };
        let partition =
            PartitionDefinition::of(table, generator.name.clone(), generator.channel.clone(), source);
        let mut diagnostics = Diagnostics::new();
        let plan = self.planner().plan(&partition, &mut diagnostics);
        plan.ok_or_else(|| Failure::configuration(&diagnostics))
    }
}

fn is_meant(generator: &GeneratorDefinition, name: &str) -> bool {
    let is_named = [generator.name.value.as_str(), generator.kind, &generator.address()].contains(&name);
    is_named || ChannelPattern::new(name).matches(&generator.channel)
}
