//! `linux_users`: users and groups of the host, how they log in, and what sudo lets them do.

mod shadow;
mod sudoers;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use egret_config::AttributeDocumentation;
use serde_json::{Value as Json, json};

use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::host::{self, Accounts, User};
use crate::registry::GeneratorType;

use shadow::{Login, Shadow};
use sudoers::{Person, Sudoers};

/// The generator type `linux_users`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "linux_users",
    description: "The users and groups of a Linux host, how they log in, and what sudo lets them do.",
    channel: "host.linux_users",
    key: &["kind", "name"],
    ignore: &[],
    ordered: &[],
    attributes: &[&[
        AttributeDocumentation::optional(
            "shadow",
            "true or false",
            "Whether to read `/etc/shadow`: whether and how a user has a password. Default: true.",
        ),
        AttributeDocumentation::optional(
            "sudo",
            "true or false",
            "Whether to read `/etc/sudoers` and what it includes. Default: true.",
        ),
        host::ROOT,
    ]],
    example: r#"generator "linux_users" "users" {
  every  = "5m"
  root   = "/"
  shadow = true
  sudo   = true
}
"#,
    documents: DOCUMENTS,
    permissions: "Everybody may read `/etc/passwd` and `/etc/group`. `/etc/shadow` and `/etc/sudoers` are for root (for \
        members of the group `shadow` the first). If one of them is there and cannot be read, the run is refused and the \
        state before stays: without, every user would seem to have changed. Set `shadow = false` or `sudo = false` to do \
        without; the attributes are then in no document. Users and rules of a directory service (LDAP, SSSD) are in none \
        of these files.",
    decode: |reader, context| {
        let root = host::decode_root(reader, context);
        let shadow = reader.optional_or("shadow", true);
        let sudo = reader.optional_or("sudo", true);
        Some(Arc::new(LinuxUsers { root: root?, shadow: shadow?, sudo: sudo? }))
    },
};

const DOCUMENTS: &str = "One document a user. `password` is `set`, `locked` (one is set and cannot be used), `empty` (anybody \
    gets in) or `none`; the hash is not in it, only the name of its algorithm. `sudo` has the rules that fit the user, each \
    with the word that made it fit (`through`), whether it asks for no password, and the `aliases` that it uses, spelt \
    out.\n\n\
    ```json\n{\"kind\": \"user\", \"name\": \"ada\", \"uid\": 1000, \"gid\": 1000, \"group\": \"ada\", \"groups\": [\"ada\", \
    \"sudo\"], \"gecos\": \"Ada Lovelace\", \"home\": \"/home/ada\", \"shell\": \"/bin/bash\", \"password\": \"set\", \
    \"password_algorithm\": \"yescrypt\", \"password_changed\": \"2025-01-31\", \"password_must_change\": false, \
    \"password_min_days\": 0, \"password_max_days\": 99999, \"password_warn_days\": 7, \"password_inactive_days\": null, \
    \"account_expires\": null, \"sudo\": [{\"through\": \"%sudo\", \"rule\": \"ALL=(ALL:ALL) ALL\", \"nopasswd\": false, \
    \"aliases\": {}, \"file\": \"/etc/sudoers\"}]}\n```\n\n\
    One a group, with the members that `/etc/group` names:\n\n\
    ```json\n{\"kind\": \"group\", \"name\": \"sudo\", \"gid\": 27, \"members\": [\"ada\"]}\n```\n\n\
    One a rule of sudo that fits none of these users, and one a line of its defaults:\n\n\
    ```json\n{\"kind\": \"sudo_rule\", \"name\": \"%admins@example ALL=(ALL) ALL\", \"users\": [\"%admins@example\"], \
    \"rule\": \"ALL=(ALL) ALL\", \"nopasswd\": false, \"aliases\": {}, \"file\": \"/etc/sudoers.d/directory\"}\n```\n\n\
    ```json\n{\"kind\": \"sudo_defaults\", \"name\": \"Defaults env_reset\", \"file\": \"/etc/sudoers\"}\n```\n\n\
    And one a line of NIS, `nis_user` or `nis_group`, which takes in users from elsewhere:\n\n\
    ```json\n{\"kind\": \"nis_user\", \"name\": \"+@admins\", \"file\": \"/etc/passwd\"}\n```";

#[derive(Debug)]
struct LinuxUsers {
    root: PathBuf,
    shadow: bool,
    sudo: bool,
}

#[async_trait]
impl Generator for LinuxUsers {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        // There is no host without users; without the file, `root` is something else.
        host::read_text(&self.root, "/etc/passwd")?;
        let accounts = Accounts::read(&self.root)?;
        let logins = if self.shadow { Some(self.logins()?) } else { None };
        let sudoers = if self.sudo { Some(self.sudoers()?) } else { None };
        for (file, line) in &accounts.odd {
            documents.note(format!("line {line} of {file} has another form"));
        }
        let mut fitting = vec![false; sudoers.as_ref().map_or(0, |sudoers| sudoers.rules.len())];
        for user in &accounts.users {
            let mut document = user_document(user, &accounts);
            if let Some(logins) = &logins {
                let login = Login::of(user, logins.get(&user.name));
                document.extend(login.members());
            }
            if let Some(sudoers) = &sudoers {
                let person = Person::of(user, &accounts);
                let rules = sudoers.rules_for(&person, &mut fitting);
                document.insert("sudo".to_owned(), rules.into());
            }
            documents.push(Json::Object(document))?;
        }
        for group in &accounts.groups {
            let document =
                json!({"kind": "group", "name": group.name, "gid": group.gid, "members": group.members});
            documents.push(document)?;
        }
        for (file, line) in &accounts.included {
            // Behind the name there may be a password.
            let name = line.split(':').next().unwrap_or_default();
            let kind = if *file == "/etc/passwd" { "nis_user" } else { "nis_group" };
            documents.push(json!({"kind": kind, "name": name, "file": file}))?;
        }
        let Some(sudoers) = sudoers else { return Ok(()) };
        for (rule, _) in sudoers.rules.iter().zip(fitting).filter(|(_, fits)| !fits) {
            documents.push(sudoers.document_of(rule))?;
        }
        for (file, text) in &sudoers.defaults {
            documents.push(json!({"kind": "sudo_defaults", "name": text, "file": file}))?;
        }
        sudoers.odd.into_iter().for_each(|note| documents.note(note));
        Ok(())
    }
}

impl LinuxUsers {
    fn logins(&self) -> Result<HashMap<String, Shadow>, GenerateError> {
        let text =
            host::read_optional(&self.root, "/etc/shadow").map_err(|error| or_without(&error, "shadow"))?;
        Ok(Shadow::parse_all(&text.unwrap_or_default()))
    }

    fn sudoers(&self) -> Result<Sudoers, GenerateError> {
        Sudoers::read(&self.root).map_err(|error| or_without(&error, "sudo"))
    }
}

fn or_without(error: &GenerateError, attribute: &str) -> GenerateError {
    GenerateError::refused(format!("{error}; or set `{attribute} = false`"))
}

fn user_document(user: &User, accounts: &Accounts) -> serde_json::Map<String, Json> {
    let groups: Vec<&str> = accounts.groups_of(user).map(|group| group.name.as_str()).collect();
    let members = [
        ("kind", json!("user")),
        ("name", json!(user.name)),
        ("uid", json!(user.uid)),
        ("gid", json!(user.gid)),
        ("group", json!(accounts.group_name(user.gid))),
        ("groups", json!(groups)),
        ("gecos", json!(user.gecos)),
        ("home", json!(user.home)),
        ("shell", json!(user.shell)),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests;
