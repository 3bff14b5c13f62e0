//! The generators, one module each.

mod aws;
mod hidden;
mod json_stream;
mod kinds;
mod network_target;
mod parts;
mod patience;
mod picked;
mod run_timeout;
mod selection;

pub mod aws_acm;
pub mod aws_ec2;
pub mod aws_iam;
pub mod aws_s3;
pub mod dns_records;
pub mod exec;
pub mod file;
pub mod github;
pub mod http_json;
pub mod kernel_modules;
pub mod lake;
pub mod slack;
pub mod sql;
pub mod tls_certificate;

#[cfg(test)]
mod documented;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod peer;
