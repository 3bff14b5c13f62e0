//! The generators, one module each.

mod aws;
pub(crate) mod hidden;
mod json_stream;
mod kinds;
mod network_target;
mod parts;
mod patience;
mod picked;
mod request_parts;
mod selection;

pub mod authorized_keys;
pub mod aws_acm;
pub mod aws_ec2;
pub mod aws_iam;
pub mod aws_s3;
pub mod cron_jobs;
pub mod dns_records;
pub mod docker_containers;
pub mod exec;
pub mod file;
pub mod file_integrity;
pub mod github;
pub mod http_headers;
pub mod http_json;
pub mod kernel_modules;
pub mod lake;
pub mod linux_users;
pub mod listening_ports;
pub mod mounts;
pub mod packages;
pub mod slack;
pub mod sql;
pub mod suid_files;
pub mod systemd_units;
pub mod tls_certificate;

#[cfg(test)]
mod documented;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod peer;
