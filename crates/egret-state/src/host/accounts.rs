//! Users and groups of the host, from `/etc/passwd` and `/etc/group`. Accounts of a directory service are not in them.

use std::collections::HashMap;
use std::path::Path;

use crate::generator::GenerateError;
use crate::host;

/// A line of `/etc/passwd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub name: String,
    /// What stands where passwords once stood.
    pub password: String,
    pub uid: u32,
    pub gid: u32,
    pub gecos: String,
    pub home: String,
    pub shell: String,
}

/// A line of `/etc/group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub name: String,
    pub gid: u32,
    pub members: Vec<String>,
}

/// Who there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Accounts {
    pub users: Vec<User>,
    pub groups: Vec<Group>,
    /// Lines of NIS, which take users in from elsewhere: the file, and the whole line.
    pub included: Vec<(&'static str, String)>,
    /// Lines of another form: the file, and the number of the line.
    pub odd: Vec<(&'static str, usize)>,
    user_names: HashMap<u32, String>,
    group_names: HashMap<u32, String>,
}

const USERS: &str = "/etc/passwd";
const GROUPS: &str = "/etc/group";

impl Accounts {
    /// Reads the host's. A file that is not there has nobody.
    ///
    /// # Errors
    /// If a file is there and cannot be read.
    pub(crate) fn read(root: &Path) -> Result<Self, GenerateError> {
        let users = host::read_optional(root, USERS)?.unwrap_or_default();
        let groups = host::read_optional(root, GROUPS)?.unwrap_or_default();
        Ok(Self::parse(&users, &groups))
    }

    /// Reads the texts of both files.
    pub(crate) fn parse(users: &str, groups: &str) -> Self {
        let mut accounts = Self::default();
        for (file, text) in [(USERS, users), (GROUPS, groups)] {
            for (index, line) in text.lines().enumerate() {
                let line = line.trim_start();
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                if line.starts_with(['+', '-']) {
                    accounts.included.push((file, line.trim_end().to_owned()));
                } else if !accounts.take(file, line) {
                    accounts.odd.push((file, index + 1));
                }
            }
        }
        accounts
    }

    /// The name of a user; of several with one number the first, as the system does it.
    pub(crate) fn user_name(&self, uid: u32) -> Option<&str> {
        self.user_names.get(&uid).map(String::as_str)
    }

    /// The name of a group.
    pub(crate) fn group_name(&self, gid: u32) -> Option<&str> {
        self.group_names.get(&gid).map(String::as_str)
    }

    /// The name of a user, or the number.
    pub(crate) fn user_or_number(&self, uid: u32) -> String {
        self.user_name(uid).map_or_else(|| uid.to_string(), str::to_owned)
    }

    /// The groups that a user is in, the own one first.
    pub(crate) fn groups_of<'a>(&'a self, user: &'a User) -> impl Iterator<Item = &'a Group> {
        let own = self.groups.iter().find(|group| group.gid == user.gid);
        let others = self.groups.iter().filter(move |group| {
            own.is_none_or(|own| own.name != group.name) && group.members.contains(&user.name)
        });
        own.into_iter().chain(others)
    }

    fn take(&mut self, file: &str, line: &str) -> bool {
        let fields: Vec<&str> = line.split(':').collect();
        match fields[..] {
            [name, password, uid, gid, gecos, home, shell] if file == USERS && !name.is_empty() => {
                let (Ok(uid), Ok(gid)) = (uid.trim().parse(), gid.trim().parse()) else { return false };
                self.user_names.entry(uid).or_insert_with(|| name.to_owned());
                self.users.push(User {
                    name: name.to_owned(),
                    password: password.to_owned(),
                    uid,
                    gid,
                    gecos: gecos.to_owned(),
                    home: home.to_owned(),
                    shell: shell.trim_end().to_owned(),
                });
                true
            }
            [name, _, gid, members] if file == GROUPS && !name.is_empty() => {
                let Ok(gid) = gid.trim().parse() else { return false };
                let members = members.split(',').map(str::trim).filter(|member| !member.is_empty());
                self.group_names.entry(gid).or_insert_with(|| name.to_owned());
                self.groups.push(Group {
                    name: name.to_owned(),
                    gid,
                    members: members.map(str::to_owned).collect(),
                });
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_any_form_are_read() {
        let accounts = Accounts::parse(
            "root:x:0:0:root:/r:/bin/bash\n# old:x:1:1::/:\n\n toor::0:0::/r:/bin/sh \n+@admins::::::\n-eve\n\
             bad:x:abc:0::/:\nshort:x\nada:x:1000:1000:Ada, Room 1:/home/ada:\n",
            "root:x:0:\nada:x:1000:\nsudo:x:27:ada, bob,,\n+\nodd:x:-1:\n",
        );
        assert_eq!(
            accounts.users.iter().map(|user| user.name.as_str()).collect::<Vec<_>>(),
            ["root", "toor", "ada"]
        );
        assert_eq!(accounts.users[1].shell, "/bin/sh");
        assert_eq!(accounts.groups[2].members, ["ada", "bob"]);
        assert_eq!(
            accounts.included,
            [(USERS, "+@admins::::::".to_owned()), (USERS, "-eve".to_owned()), (GROUPS, "+".to_owned())]
        );
        assert_eq!(accounts.odd, [(USERS, 7), (USERS, 8), (GROUPS, 5)]);
        assert_eq!((accounts.user_name(0), accounts.group_name(27)), (Some("root"), Some("sudo")));
        assert_eq!(accounts.user_or_number(7), "7");
        let groups: Vec<&str> =
            accounts.groups_of(&accounts.users[2]).map(|group| group.name.as_str()).collect();
        assert_eq!(groups, ["ada", "sudo"]);
    }
}
