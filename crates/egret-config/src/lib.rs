//! HCL configuration: files to positioned blocks, and every mistake shown with its place and a hint.
//!
//! A [`Configuration`] is a list of [`Block`]s whose attributes are evaluated to [`Value`]s, each of which
//! knows where it was written. Nothing here knows what a partition or a table is: a component implements
//! [`Decode`] for its own configuration struct and reads it with a [`BlockReader`], which reports what is
//! missing, of the wrong type or unknown. Mistakes are collected in [`Diagnostics`], all of them at once.
//!
//! ```
//! use egret_config::{BlockKind, BlockReader, Configuration, Decode, Diagnostics, Environment, decode_block};
//!
//! struct Output {
//!     name: String,
//!     url: String,
//!     retries: u64,
//! }
//!
//! impl Decode for Output {
//!     fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
//!         let name = reader.label(0);
//!         let url = reader.required("url");
//!         let retries = reader.optional_or("retries", 3);
//!         Some(Self { name: name?, url: url?, retries: retries? })
//!     }
//! }
//!
//! let kinds = [BlockKind::new("output", &["name"])];
//! let text = r#"output "hook" { url = "https://${env("HOST")}/in" }"#;
//! let environment = Environment::new([("HOST", "example.org")]);
//! let mut diagnostics = Diagnostics::new();
//! let configuration = Configuration::parse("egret.hcl", text, &kinds, &environment, &mut diagnostics);
//! for block in configuration.blocks_of("output") {
//!     let output: Output = decode_block(block, &mut diagnostics).unwrap();
//!     assert_eq!((&*output.name, &*output.url, output.retries), ("hook", "https://example.org/in", 3));
//! }
//! assert!(!diagnostics.has_errors(), "{}", diagnostics.render(false));
//! ```

mod place;

mod diagnostic;
mod render;

mod block;
mod value;

mod environment;
mod load;

mod backtick;
mod syntax;

mod evaluate;
mod functions;

mod decode;
mod documentation;
mod from_value;

mod show;

pub use block::{Attribute, Block};
pub use decode::{BlockReader, Decode, decode_block};
pub use diagnostic::{Diagnostic, Diagnostics, Level};
pub use documentation::AttributeDocumentation;
pub use environment::Environment;
pub use from_value::{ByteSize, FromValue, Reference};
pub use functions::documentation as functions;
pub use load::{BlockKind, Configuration};
pub use place::{Located, Location, SourceFile};
pub use show::show;
pub use value::{Number, Value, ValueKind};
