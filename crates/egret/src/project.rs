//! The project: what a configuration says, read and compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use egret_alert::{
    ALERTS_BLOCK, LOOKUP_BLOCK, LookupDefinition, OVERRIDE_BLOCK, ROUTE_BLOCK, STAGING_BLOCK, SUPPRESS_BLOCK,
};
use egret_config::{BlockKind, Configuration, Diagnostic, Diagnostics, Environment, decode_block};
use egret_detect::library::{self, RULES, RuleContext, RuleLibrary, UnusedRule};
use egret_detect::logsource::{LOGSOURCE, LogSources};
use egret_detect::sigma::Placeholders;
use egret_detect::{DETECTION, DetectionDefinition, Detector, Places, Rule, check_targets};
use egret_lake::{Lake, LakeDefinition, LakeOptions};
use egret_model::{Clock, Lookups, SystemClock, TableSchema};
use egret_output::OUTPUT_BLOCK;
use egret_pipeline::partition::{FORMAT_BLOCK, Formats, PARTITION_BLOCK};
use egret_pipeline::{PartitionDefinition, PartitionPlan, Planner};
use egret_source::Surroundings;
use egret_sql::SqlCompiler;
use egret_state::{CHANGE_TABLE, GENERATOR_BLOCK, GeneratorDefinition, STATE_BLOCK, StateSettings};
use egret_table::builtin::TABLE_BLOCK;
use egret_table::{PartitionContext, TableDefinition, Tables};

use crate::arguments::Global;
use crate::failure::Failure;
use crate::lake_queries::LakeQueries;
use crate::states::{self, generator_channels};

/// The name of the configuration file that is looked for.
pub const CONFIGURATION_FILE: &str = "egret.hcl";

/// `lake { … }`
const LAKE_BLOCK: BlockKind = BlockKind::new("lake", &[]);

/// `locals { … }`
const LOCALS_BLOCK: BlockKind = BlockKind::new("locals", &[]);

/// `connection "TYPE" "NAME" { … }` of tailpipe: known, so that its files load; no source here needs one.
const CONNECTION_BLOCK: BlockKind = BlockKind::new("connection", &["type", "name"]);

/// Every kind of block that a configuration may have.
const BLOCKS: [BlockKind; 18] = [
    LAKE_BLOCK,
    PARTITION_BLOCK,
    TABLE_BLOCK,
    FORMAT_BLOCK,
    DETECTION,
    RULES,
    LOGSOURCE,
    GENERATOR_BLOCK,
    STATE_BLOCK,
    OUTPUT_BLOCK,
    ROUTE_BLOCK,
    ALERTS_BLOCK,
    STAGING_BLOCK,
    SUPPRESS_BLOCK,
    OVERRIDE_BLOCK,
    LOOKUP_BLOCK,
    LOCALS_BLOCK,
    CONNECTION_BLOCK,
];

/// What a configuration says.
pub struct Project {
    /// The blocks as written.
    pub configuration: Configuration,
    /// All tables.
    pub tables: Tables,
    /// The configuration's formats.
    pub formats: Formats,
    /// The configuration's detections.
    pub detections: Vec<DetectionDefinition>,
    /// The rules of files that do not run.
    pub unused_rules: Vec<UnusedRule>,
    /// The partitions.
    pub partitions: Vec<PartitionDefinition>,
    /// The generators.
    pub generators: Vec<GeneratorDefinition>,
    /// Where their states are kept.
    pub state_settings: StateSettings,
    /// The lookups.
    pub lookups: Vec<LookupDefinition>,
    /// Their entries, as SQL asks them.
    pub lookup_entries: Arc<Lookups>,
    /// Compiles SQL.
    pub compiler: SqlCompiler,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// The mistakes so far.
    pub diagnostics: Diagnostics,
    lake_folder: PathBuf,
    /// What relative paths of the configuration lie in.
    pub working_folder: PathBuf,
}

impl Project {
    /// Reads the configuration that the command line names, else the first of the default places.
    pub fn load(global: &Global) -> Result<Self, Failure> {
        let environment = environment();
        let paths = configuration_paths(global, &environment)?;
        let mut diagnostics = Diagnostics::new();
        let configuration = Configuration::load(&paths, &BLOCKS, &environment, &mut diagnostics);
        Ok(Self::new(configuration, &[], &environment, diagnostics))
    }

    /// The same, if nothing is wrong with how its files are written.
    pub fn load_valid(global: &Global) -> Result<Self, Failure> {
        let project = Self::load(global)?;
        if project.diagnostics.has_errors() {
            return Err(Failure::configuration(&project.diagnostics));
        }
        Ok(project)
    }

    /// A project of these files, for commands that take rules as arguments.
    pub fn of_files(paths: &[PathBuf]) -> Result<Self, Failure> {
        if let Some(missing) = paths.iter().find(|path| !path.exists()) {
            return Err(Failure::usage(format!("there is nothing at {}", missing.display())));
        }
        let environment = environment();
        let mut diagnostics = Diagnostics::new();
        let in_hcl: Vec<&PathBuf> = paths.iter().filter(|path| !library::is_sigma_file(path)).collect();
        let configuration = Configuration::load(&in_hcl, &BLOCKS, &environment, &mut diagnostics);
        Ok(Self::new(configuration, paths, &environment, diagnostics))
    }

    /// With the rules of files at `rule_paths` beside what the configuration says.
    fn new(
        configuration: Configuration,
        rule_paths: &[PathBuf],
        environment: &Environment,
        mut diagnostics: Diagnostics,
    ) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let tables = Tables::new(&configuration, &mut diagnostics);
        let formats = Formats::new(&configuration, &mut diagnostics);
        let mut detections: Vec<DetectionDefinition> = configuration
            .blocks_of(DETECTION.name)
            .filter_map(|block| decode_block(block, &mut diagnostics))
            .collect();
        let sources = LogSources::new(&configuration, &mut diagnostics);
        let mut library = RuleLibrary::default();
        sources.check_tables(&tables, &mut diagnostics);
        let context = RuleContext { sources: &sources, has_table: &|name| tables.get(name).is_ok() };
        for block in configuration.blocks_of(RULES.name) {
            if let Some(rules) = decode_block(block, &mut diagnostics) {
                library.add_block(&rules, &environment.working_folder, &context, &mut diagnostics);
            }
        }
        for path in rule_paths {
            library.add_files(path, &Placeholders::new(), &context, &mut diagnostics);
        }
        let RuleLibrary { detections: more, unused: mut unused_rules, warnings } = library;
        detections.extend(more);
        let (mut detections, same) = library::without_same_ids(detections);
        unused_rules.extend(same);
        diagnostics.extend(warnings);
        egret_detect::test_file::attach_tests_beside(&mut detections, &mut diagnostics);
        let surroundings = surroundings(environment);
        let partitions: Vec<PartitionDefinition> = configuration
            .blocks_of(PARTITION_BLOCK.name)
            .filter_map(|block| PartitionDefinition::read(block, &surroundings, &mut diagnostics))
            .collect();
        let lake_folder = lake_folder(&configuration, environment, &mut diagnostics);
        let lookups = LookupDefinition::read_all(&configuration, &mut diagnostics);
        let lookup_entries = Arc::new(LookupDefinition::lookups(&lookups));
        let lake = LakeQueries::new(&lake_folder, &clock, &tables, &lookup_entries);
        let context = states::generator_context(environment, &clock, lake);
        let generators = GeneratorDefinition::read_all(&configuration, &context, &mut diagnostics);
        let state_settings = StateSettings::read(&configuration, &mut diagnostics);
        check_generator_names(&generators, &partitions, &mut diagnostics);
        let compiler = SqlCompiler::with_lookups(Arc::clone(&clock), Arc::clone(&lookup_entries));
        Self {
            configuration,
            tables,
            formats,
            detections,
            unused_rules,
            partitions,
            generators,
            state_settings,
            lookups,
            lookup_entries,
            compiler,
            clock,
            diagnostics,
            lake_folder,
            working_folder: environment.working_folder.clone(),
        }
    }

    /// What is wrong with how the files are written; [`Self::check`] says what else is.
    pub fn mistakes(&self) -> &Diagnostics {
        &self.diagnostics
    }

    /// Who compiles partitions.
    pub fn planner(&self) -> Planner<'_> {
        Planner {
            tables: &self.tables,
            formats: &self.formats,
            detections: &self.detections,
            compiler: &self.compiler,
        }
    }

    /// Compiles the partitions that are enabled and wanted, and checks the whole configuration: its mistakes are
    /// shown all at once.
    pub fn plans(
        &self,
        wanted: impl Fn(&PartitionDefinition) -> bool,
    ) -> Result<Vec<PartitionPlan>, Failure> {
        let (plans, diagnostics) = self.check();
        if diagnostics.has_errors() {
            return Err(Failure::configuration(&diagnostics));
        }
        let enabled =
            self.partitions.iter().zip(plans).filter(|(partition, _)| partition.enabled && wanted(partition));
        Ok(enabled.filter_map(|(_, plan)| plan).collect())
    }

    /// Compiles everything: a plan for each partition without a mistake, and all mistakes.
    pub fn check(&self) -> (Vec<Option<PartitionPlan>>, Diagnostics) {
        let mut diagnostics = self.diagnostics.clone();
        let planner = self.planner();
        let plans: Vec<Option<PartitionPlan>> =
            self.partitions.iter().map(|partition| planner.plan(partition, &mut diagnostics)).collect();
        self.check_unused_tables(&mut diagnostics);
        let others = self.detectors_of_other_tables(&plans, &mut diagnostics);
        let of_changes = self.detectors_of_changes(&mut diagnostics);
        let planned = plans.iter().flatten().map(|plan| &plan.detector);
        let detectors: Vec<&Detector> = planned.chain(&others).chain(&of_changes).collect();
        let places = Places {
            tables: &self.tables.iter().map(TableDefinition::schema).collect::<Vec<_>>(),
            channels: &self.channels(),
            detectors: &detectors,
            compiler: &self.compiler,
        };
        diagnostics.extend(check_targets(&self.detections, &places));
        self.read_alert_settings(&mut diagnostics);
        (plans, diagnostics)
    }

    /// Tables of the user's own that no partition has must be right too.
    fn check_unused_tables(&self, diagnostics: &mut Diagnostics) {
        let own = self.configuration.blocks_of(TABLE_BLOCK.name).filter_map(|block| block.labels.first());
        for name in own.map(|label| &label.value) {
            let is_used = self.partitions.iter().any(|partition| partition.table.value == *name);
            let (false, Ok(table)) = (is_used, self.tables.get(name)) else { continue };
            // Which fields there are depends on the format, which the source says if the table does not.
            let Some(choice) = &table.format else { continue };
            let format = choice.resolve(|kind, name| self.formats.find(kind, name), diagnostics);
            let Some(format) = format else { continue };
            let context =
                PartitionContext { format_fields: format.fields(), ..PartitionContext::new("check") };
            if let Err(mistakes) = table.compile(&self.compiler, context) {
                diagnostics.extend(mistakes);
            }
        }
    }

    /// Detections on tables that no partition has must be right too.
    fn detectors_of_other_tables(
        &self,
        plans: &[Option<PartitionPlan>],
        diagnostics: &mut Diagnostics,
    ) -> Vec<Detector> {
        let planned = |name: &str| plans.iter().flatten().any(|plan| plan.table == name);
        let others = self.tables.iter().filter(|table| !planned(&table.name.value));
        // A rule made of tests was checked when it was read: compiling thousands once more would only take time.
        let is_sql = |detection: &&DetectionDefinition| matches!(detection.rule, Rule::Sql(_));
        let detections: Vec<DetectionDefinition> = self.detections.iter().filter(is_sql).cloned().collect();
        others
            .map(|table| {
                let (detector, mistakes) =
                    Detector::compile_valid(&detections, &table.schema(), &table.channel(), &self.compiler);
                diagnostics.extend(mistakes);
                detector
            })
            .collect()
    }

    /// What looks at the changes of the generators, each on its channel.
    fn detectors_of_changes(&self, diagnostics: &mut Diagnostics) -> Vec<Detector> {
        let Ok(table) = self.tables.get(CHANGE_TABLE) else { return Vec::new() };
        let channels: BTreeSet<&str> =
            self.generators.iter().map(|generator| generator.channel.as_str()).collect();
        let compile = |channel: &str| {
            let schema = table.schema();
            let (detector, mistakes) =
                Detector::compile_valid(&self.detections, &schema, channel, &self.compiler);
            diagnostics.extend(mistakes);
            detector
        };
        channels.into_iter().map(compile).collect()
    }

    /// What each table is: its columns and its channel.
    pub fn table_schemas(&self) -> BTreeMap<String, TableSchema> {
        self.tables.iter().map(|table| (table.name.value.clone(), table.schema())).collect()
    }

    /// The channels of the partitions that have one of their own; changes are in a partition a generator.
    pub fn partition_channels(&self) -> BTreeMap<(String, String), String> {
        let own = |partition: &PartitionDefinition| {
            let key = (partition.table.value.clone(), partition.name.value.clone());
            Some((key, partition.channel.clone()?))
        };
        let of_changes = |generator: &GeneratorDefinition| {
            ((CHANGE_TABLE.to_owned(), generator.name.value.clone()), generator.channel.clone())
        };
        let of_changes = self.generators.iter().map(of_changes);
        self.partitions.iter().filter_map(own).chain(of_changes).collect()
    }

    /// The channels that rows of tables may be on beside the tables' own, each with the table.
    fn channels(&self) -> Vec<(String, String)> {
        let of_partitions =
            self.partition_channels().into_iter().map(|((table, _), channel)| (table, channel));
        of_partitions.chain(generator_channels()).collect()
    }

    /// Where the lake is, or will be.
    pub fn lake_folder(&self) -> &Path {
        &self.lake_folder
    }

    /// Opens the lake, and makes it where there is none.
    pub async fn create_lake(&self) -> Result<Lake, Failure> {
        self.create_lake_in(&self.lake_folder).await
    }

    /// Opens a lake in `folder`, or makes it.
    pub async fn create_lake_in(&self, folder: &Path) -> Result<Lake, Failure> {
        let options = LakeOptions::new(folder).with_clock(Arc::clone(&self.clock));
        Ok(Lake::open(options).await?)
    }

    /// Opens the lake, unless there is none yet.
    pub async fn open_lake(&self) -> Result<Option<Lake>, Failure> {
        if !self.lake_folder.join("catalog.sqlite").exists() {
            return Ok(None);
        }
        self.create_lake().await.map(Some)
    }

    /// Opens the lake that must be there.
    pub async fn existing_lake(&self) -> Result<Lake, Failure> {
        self.open_lake().await?.ok_or_else(|| {
            Failure::usage(format!("there is no lake in {}", self.lake_folder.display()))
                .hint("collect something first: `egret collect`")
        })
    }
}

/// The process's environment, handed to everybody who may see it.
pub fn environment() -> Environment {
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Environment::new(variables).in_folder(std::env::current_dir().unwrap_or_default())
}

/// What sources may see of the process.
pub fn surroundings(environment: &Environment) -> Surroundings {
    Surroundings::new(&environment.working_folder)
        .with_home(environment.home.clone())
        .with_standard_input(std::io::stdin())
}

/// The changes of a generator are a partition of their own.
fn check_generator_names(
    generators: &[GeneratorDefinition],
    partitions: &[PartitionDefinition],
    diagnostics: &mut Diagnostics,
) {
    for partition in partitions.iter().filter(|partition| partition.table.value == CHANGE_TABLE) {
        let same = generators.iter().find(|generator| generator.name.value == partition.name.value);
        if let Some(generator) = same {
            let mistake = Diagnostic::error(format!(
                "the changes of generator `{}` are here too",
                partition.name.value
            ))
            .at(&partition.name.location)
            .note(format!("the generator is at {}", generator.name.location));
            diagnostics.push(mistake.hint("give one of them another name"));
        }
    }
}

fn configuration_paths(global: &Global, environment: &Environment) -> Result<Vec<PathBuf>, Failure> {
    if let Some(missing) = global.config.iter().find(|path| !path.exists()) {
        return Err(Failure::usage(format!("there is no configuration at {}", missing.display()))
            .hint("`egret init` writes one to start from"));
    }
    if !global.config.is_empty() {
        return Ok(global.config.clone());
    }
    let mut places = vec![PathBuf::from(CONFIGURATION_FILE), PathBuf::from("config")];
    places.extend(environment.home.as_ref().map(|home| home.join(".config/egret")));
    Ok(places.into_iter().find(|place| place.exists()).into_iter().collect())
}

fn lake_folder(
    configuration: &Configuration,
    environment: &Environment,
    diagnostics: &mut Diagnostics,
) -> PathBuf {
    let definition = configuration
        .blocks_of(LAKE_BLOCK.name)
        .filter_map(|block| decode_block::<LakeDefinition>(block, diagnostics))
        .next();
    let folder = definition.unwrap_or_default().folder(environment.home.as_deref());
    environment.working_folder.join(folder)
}
