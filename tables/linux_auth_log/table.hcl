# /var/log/auth.log (Debian) and /var/log/secure (Red Hat): who came in, who became whom, who changed accounts.
#
# The patterns below must match the whole message. Names of users, commands and folders may be an attacker's to
# choose (`ssh "root from 10.0.0.1 port 22"@host`), so a pattern takes what is fixed from the end of the message,
# where the program and not the user writes. Where a message can be read in two ways it is given its type and none
# of the contested fields.
table "linux_auth_log" {
  description = "Linux logins and changes of accounts: sshd, sudo, su, PAM, useradd and its like, systemd-logind, cron."
  channel     = "linux.auth"
  format      = format.syslog.default
  map_fields  = []

  column "tp_timestamp" {
    source = "timestamp"
  }

  column "tp_source_ip" {
    source = "source_ip"
  }

  column "timestamp" {
    description = "When it was logged (UTC)."
    type        = "timestamp"
  }

  column "host" {
    description = "The host that logged it."
    type        = "varchar"
  }

  column "program" {
    description = "The program that logged it."
    type        = "varchar"
  }

  column "pid" {
    description = "The process that logged it."
    type        = "integer"
  }

  column "message" {
    description = "What was logged."
    type        = "varchar"
  }

  column "facility" {
    description = "The part of the system, such as `auth` or `cron`, where the line says so."
    type        = "varchar"
  }

  column "severity" {
    description = "How bad it is, such as `err` or `info`, where the line says so."
    type        = "varchar"
  }

  column "event_type" {
    description = "What happened, such as `login`, `login_failed` or `sudo_command`; null if it is none of the known messages."
    type        = "varchar"
  }

  column "user" {
    description = "Who acts: who logs in, who calls sudo or su."
    type        = "varchar"
    observable  = "username"
  }

  column "target_user" {
    description = "As whom, or on whose account: the user that sudo or su changes to, or that was added or changed."
    type        = "varchar"
    observable  = "username"
  }

  column "source_ip" {
    description = "Where a login comes from: an address, or a name where the log has one."
    type        = "varchar"
    observable  = "ip"
  }

  column "source_port" {
    description = "The port that a login comes from."
    type        = "integer"
  }

  column "auth_method" {
    description = "How somebody authenticates, such as `password` or `publickey`."
    type        = "varchar"
  }

  column "command" {
    description = "The command that was run."
    type        = "varchar"
  }

  column "tty" {
    description = "The terminal."
    type        = "varchar"
  }

  column "working_directory" {
    description = "The folder that a command was run in."
    type        = "varchar"
  }

  column "result" {
    description = "`success` or `failure`, for what can fail."
    type        = "varchar"
  }

  extract "message" {
    when = { program = ["sshd", "sshd-session", "sshd-auth"] }

    # The user exists, and names of accounts have no spaces; a certificate after it may hold any text.
    pattern {
      regex = `Accepted (?<auth_method>\S+) for (?<user>\S+) from (?<source_ip>\S+) port (?<source_port>\d+)(?: ssh\d)?(?:: .*)?`
      set   = { event_type = "login", result = "success" }
    }

    # A user with spaces in the name, from a directory.
    pattern {
      regex = `Accepted (?<auth_method>\S+) for (?<user>.+) from (?<source_ip>\S+) port (?<source_port>\d+)(?: ssh\d)?(?:: [A-Z0-9@.-]+ (?:SHA256|MD5):\S+)?`
      set   = { event_type = "login", result = "success" }
    }

    pattern {
      regex = `(?:message repeated \d+ times: \[ )?Failed (?<auth_method>\S+) for (?:invalid user )?(?<user>.*) from (?<source_ip>\S+) port (?<source_port>\d+)(?: ssh\d)?(?:: [A-Z0-9@.-]+ (?:SHA256|MD5):\S+)?\]?`
      set   = { event_type = "login_failed", result = "failure" }
    }

    pattern {
      regex = `(?:message repeated \d+ times: \[ )?Failed (?<auth_method>\S+) for (?:invalid user )?(?<user>.*) from (?<source_ip>\S+)(?: ssh\d)?(?:: [A-Z0-9@.-]+ (?:SHA256|MD5):\S+)?\]?`
      set   = { event_type = "login_failed", result = "failure" }
    }

    # With a certificate, whose text could pass for an address: two readings.
    pattern {
      regex = `Failed \S+ for .* from \S+ port \d+.* from \S+ port \d+.*`
      set   = { event_type = "login_failed", result = "failure" }
    }

    # With a certificate.
    pattern {
      regex = `Failed (?<auth_method>\S+) for (?:invalid user )?(?<user>\S*) from (?<source_ip>\S+) port (?<source_port>\d+)(?: ssh\d)?: .*`
      set   = { event_type = "login_failed", result = "failure" }
    }

    # Whatever follows, somebody failed to log in.
    pattern {
      regex = `Failed (?<auth_method>\S+) for .*`
      set   = { event_type = "login_failed", result = "failure" }
    }

    pattern {
      regex = `(?:Invalid|Illegal) user (?<user>.*) from (?<source_ip>\S+) port (?<source_port>\d+)`
      set   = { event_type = "invalid_user", result = "failure" }
    }

    pattern {
      regex = `(?:Invalid|Illegal) user (?<user>.*) from (?<source_ip>\S+)`
      set   = { event_type = "invalid_user", result = "failure" }
    }

    pattern {
      regex = `input_userauth_request: invalid user (?<user>.*) \[preauth\]`
      set   = { event_type = "invalid_user", result = "failure" }
    }

    pattern {
      regex = `(?:message repeated \d+ times: \[ )?(?:error: )?maximum authentication attempts exceeded for (?:invalid user )?(?<user>.*) from (?<source_ip>\S+) port (?<source_port>\d+)(?: ssh\d)?(?: \[preauth\])?\]?`
      set   = { event_type = "login_attempts_exceeded", result = "failure" }
    }

    pattern {
      regex = `Disconnecting (?:(?:authenticating|invalid) user )?(?<user>.*) (?<source_ip>\S+) port (?<source_port>\d+): Too many authentication failures(?: \[preauth\])?`
      set   = { event_type = "login_attempts_exceeded", result = "failure" }
    }

    pattern {
      regex = `Disconnecting: Too many authentication failures(?: for (?<user>.*?))?(?: \[preauth\])?`
      set   = { event_type = "login_attempts_exceeded", result = "failure" }
    }

    pattern {
      regex = `User (?<user>.*) from (?<source_ip>\S+) not allowed because .*`
      set   = { event_type = "login_refused", result = "failure" }
    }

    pattern {
      regex = `ROOT LOGIN REFUSED FROM (?<source_ip>\S+)(?: port (?<source_port>\d+))?(?: \[preauth\])?`
      set   = { event_type = "login_refused", user = "root", result = "failure" }
    }

    pattern {
      regex = `Connection from (?<source_ip>\S+) port (?<source_port>\d+)(?: on \S+ port \d+)?(?: rdomain ".*")?`
      set   = { event_type = "connection_opened" }
    }

    pattern {
      regex = `(?:Connection (?:closed|reset) by|Disconnected from) (?:authenticating|invalid) user (?<user>.*) (?<source_ip>\S+) port (?<source_port>\d+) \[preauth\]`
      set   = { event_type = "connection_closed" }
    }

    pattern {
      regex = `(?:Connection (?:closed|reset) by|Disconnected from) (?<source_ip>\S+)(?: port (?<source_port>\d+))? \[preauth\]`
      set   = { event_type = "connection_closed" }
    }

    pattern {
      regex = `Disconnected from user (?<user>.*) (?<source_ip>\S+) port (?<source_port>\d+)`
      set   = { event_type = "logout" }
    }

    pattern {
      regex = `(?:Connection (?:closed|reset) by|Disconnected from) (?<source_ip>\S+)(?: port (?<source_port>\d+))?`
      set   = { event_type = "connection_closed" }
    }

    pattern {
      regex = `Received disconnect from (?<source_ip>\S+) port (?<source_port>\d+):\s?\d+:.*`
      set   = { event_type = "connection_closed" }
    }

    pattern {
      regex = `Received disconnect from (?<source_ip>\S+): \d+:.*`
      set   = { event_type = "connection_closed" }
    }

    pattern {
      regex = `(?:Did not receive identification string|Bad protocol version identification .*) from (?<source_ip>\S+?)(?: port (?<source_port>\d+))?`
      set   = { event_type = "protocol_error", result = "failure" }
    }

    pattern {
      regex = `banner exchange: Connection from (?<source_ip>\S+) port (?<source_port>\d+): .*`
      set   = { event_type = "protocol_error", result = "failure" }
    }

    pattern {
      regex = `(?:error: )?(?:kex_exchange_identification|kex_protocol_error|ssh_dispatch_run_fatal|banner exchange): .*`
      set   = { event_type = "protocol_error", result = "failure" }
    }

    pattern {
      regex = `Server listening on (?:\S+) port \d+\.`
      set   = { event_type = "service_started" }
    }
  }

  extract "message" {
    when = { program = ["sudo"] }

    # The folder or the command has the form of what follows it: two readings.
    pattern {
      regex = `\s*(?<user>\S+) : (?:HOST=\S+ ; )?TTY=(?<tty>\S+) ; PWD=.* ; USER=\S+ ;.* COMMAND=.* ; USER=\S+ ;.* COMMAND=.*`
      set   = { event_type = "sudo_command", result = "success" }
    }

    pattern {
      regex = `\s*(?<user>\S+) : (?:HOST=\S+ ; )?TTY=(?<tty>\S+) ; PWD=(?<working_directory>.*) ; USER=(?<target_user>\S+)(?: ; GROUP=\S+)?(?: ; TSID=\S+)?(?: ; ENV=[^;]*)? ; COMMAND=(?<command>.*)`
      set   = { event_type = "sudo_command", result = "success" }
    }

    pattern {
      regex = `\s*(?<user>\S+) : \(command continued\) (?<command>.*)`
      set   = { event_type = "sudo_command_continued" }
    }

    # Two readings, as above.
    pattern {
      regex = `\s*(?<user>\S+) : \d+ incorrect password attempts? ; (?:HOST=\S+ ; )?TTY=(?<tty>\S+) ; PWD=.* ; USER=\S+ ;.* COMMAND=.* ; USER=\S+ ;.* COMMAND=.*`
      set   = { event_type = "sudo_password_failed", result = "failure", auth_method = "password" }
    }

    pattern {
      regex = `\s*(?<user>\S+) : \d+ incorrect password attempts? ; (?:HOST=\S+ ; )?TTY=(?<tty>\S+) ; PWD=(?<working_directory>.*) ; USER=(?<target_user>\S+)(?: ; GROUP=\S+)?(?: ; TSID=\S+)?(?: ; ENV=[^;]*)? ; COMMAND=(?<command>.*)`
      set   = { event_type = "sudo_password_failed", result = "failure", auth_method = "password" }
    }

    # Two readings, as above.
    pattern {
      regex = `\s*(?<user>\S+) : [^;=]+ ; (?:HOST=\S+ ; )?TTY=(?<tty>\S+) ; PWD=.* ; USER=\S+ ;.* COMMAND=.* ; USER=\S+ ;.* COMMAND=.*`
      set   = { event_type = "sudo_refused", result = "failure" }
    }

    # Not in sudoers, command not allowed, a password is required.
    pattern {
      regex = `\s*(?<user>\S+) : [^;=]+ ; (?:HOST=\S+ ; )?TTY=(?<tty>\S+) ; PWD=(?<working_directory>.*) ; USER=(?<target_user>\S+)(?: ; GROUP=\S+)?(?: ; TSID=\S+)?(?: ; ENV=[^;]*)? ; COMMAND=(?<command>.*)`
      set   = { event_type = "sudo_refused", result = "failure" }
    }
  }

  extract "message" {
    when = { program = ["su", "su-l"] }

    pattern {
      regex = `Successful su for (?<target_user>\S+) by (?<user>\S+)`
      set   = { event_type = "switch_user", result = "success" }
    }

    pattern {
      regex = `FAILED su for (?<target_user>\S+) by (?<user>\S+)`
      set   = { event_type = "switch_user", result = "failure" }
    }

    pattern {
      regex = `\(to (?<target_user>\S+)\) (?<user>\S+) on (?<tty>\S+)`
      set   = { event_type = "switch_user", result = "success" }
    }

    pattern {
      regex = `FAILED SU \(to (?<target_user>\S+)\) (?<user>\S+) on (?<tty>\S+)`
      set   = { event_type = "switch_user", result = "failure" }
    }

    pattern {
      regex = `\+ (?<tty>\S+) (?<user>[^\s:]+):(?<target_user>[^\s:]+)`
      set   = { event_type = "switch_user", result = "success" }
    }

    pattern {
      regex = `- (?<tty>\S+) (?<user>[^\s:]+):(?<target_user>[^\s:]+)`
      set   = { event_type = "switch_user", result = "failure" }
    }
  }

  extract "message" {
    when = { program = ["useradd", "userdel", "usermod", "adduser", "deluser", "newusers"] }

    pattern {
      regex = `new user: name=(?<target_user>[^,\s]+), UID=\d+, GID=\d+, home=.*, shell=[^,]*(?:, from=(?<tty>\S+))?`
      set   = { event_type = "user_added", result = "success" }
    }

    pattern {
      regex = `failed adding user '(?<target_user>[^']*)'.*`
      set   = { event_type = "user_added", result = "failure" }
    }

    pattern {
      regex = `delete user '(?<target_user>[^']*)'`
      set   = { event_type = "user_removed", result = "success" }
    }

    pattern {
      regex = `(?:lock|unlock) user '(?<target_user>[^']*)' password`
      set   = { event_type = "password_changed", result = "success" }
    }

    pattern {
      regex = `change user '(?<target_user>[^']*)' password`
      set   = { event_type = "password_changed", result = "success" }
    }

    pattern {
      regex = `change user (?:name )?'(?<target_user>[^']*)' .*`
      set   = { event_type = "user_changed", result = "success" }
    }

    pattern {
      regex = `add '(?<target_user>[^']*)' to (?:shadow )?group '[^']*'`
      set   = { event_type = "group_member_added", result = "success" }
    }

    pattern {
      regex = `delete '(?<target_user>[^']*)' from (?:shadow )?group '[^']*'`
      set   = { event_type = "group_member_removed", result = "success" }
    }

    pattern {
      regex = `new group: name=[^,\s]+, GID=\d+`
      set   = { event_type = "group_added", result = "success" }
    }

    pattern {
      regex = `removed (?:shadow )?group '[^']*' owned by '(?<target_user>[^']*)'`
      set   = { event_type = "group_removed", result = "success" }
    }
  }

  extract "message" {
    when = { program = ["groupadd", "groupdel", "groupmod", "gpasswd"] }

    pattern {
      regex = `(?:group added to \S+|new group): name=[^,\s]+(?:, GID=\d+)?`
      set   = { event_type = "group_added", result = "success" }
    }

    pattern {
      regex = `group '[^']*' removed(?: from \S+)?`
      set   = { event_type = "group_removed", result = "success" }
    }

    pattern {
      regex = `group changed in .*`
      set   = { event_type = "group_changed", result = "success" }
    }

    pattern {
      regex = `user (?<target_user>\S+) added by (?<user>\S+) to group \S+`
      set   = { event_type = "group_member_added", result = "success" }
    }

    pattern {
      regex = `user (?<target_user>\S+) removed by (?<user>\S+) from group \S+`
      set   = { event_type = "group_member_removed", result = "success" }
    }

    pattern {
      regex = `members of group \S+ set by (?<user>\S+) to .*`
      set   = { event_type = "group_changed", result = "success" }
    }
  }

  extract "message" {
    when = { program = ["passwd", "chage", "chpasswd", "chsh", "chfn"] }

    pattern {
      regex = `password for '?(?<target_user>[^\s']+)'? changed by '?(?<user>[^\s']+)'?`
      set   = { event_type = "password_changed", result = "success" }
    }

    pattern {
      regex = `changed password expiry for '?(?<target_user>[^\s']+)'?`
      set   = { event_type = "account_expiry_changed", result = "success" }
    }

    pattern {
      regex = `changed user '(?<target_user>[^']*)' .*`
      set   = { event_type = "user_changed", result = "success" }
    }

    pattern {
      regex = `can't (?:view or modify|change) password (?:information )?for '?(?<target_user>[^\s']+)'?`
      set   = { event_type = "password_changed", result = "failure" }
    }
  }

  extract "message" {
    when = { program = ["systemd-logind", "elogind"] }

    pattern {
      regex = `New session '?\S+?'? of user '?(?<user>[^\s']+?)'?(?: with class '.*' and type '.*')?\.`
      set   = { event_type = "session_opened", result = "success" }
    }

    pattern {
      regex = `(?:Removed session \S+?|Session \S+? logged out\. .*)\.`
      set   = { event_type = "session_closed" }
    }
  }

  extract "message" {
    when = { program = ["CRON", "CROND", "crond", "cron"] }

    pattern {
      regex = `\((?<user>[^\s()]+)\) CMD \((?<command>.*)\)`
      set   = { event_type = "cron_command" }
    }
  }

  extract "message" {
    when = { program = ["login"] }

    pattern {
      regex = `FAILED LOGIN (?:SESSION )?\(?\d*\)? ?(?:ON|on|FROM) '?(?<tty>[^\s']+)'? FOR '?(?<user>.*?)'?, .*`
      set   = { event_type = "login_failed", result = "failure" }
    }

    pattern {
      regex = `ROOT LOGIN ON (?<tty>\S+)(?: FROM (?<source_ip>\S+))?`
      set   = { event_type = "login", user = "root", result = "success" }
    }

    pattern {
      regex = `LOGIN ON (?<tty>\S+) BY (?<user>\S+)(?: FROM (?<source_ip>\S+))?`
      set   = { event_type = "login", result = "success" }
    }
  }

  # PAM, whatever program it was called by. sudo and su change from one user to another, the others have one user.
  extract "message" {

    pattern {
      regex = `pam_unix\((?:sudo|sudo-i|su|su-l|runuser|runuser-l|polkit-1|pkexec):session\): session opened for user (?<target_user>[^\s(]+)(?:\(uid=\d+\))? by (?<user>[^\s(]*)\(uid=\d+\)`
      set   = { event_type = "session_opened", result = "success" }
    }

    pattern {
      regex = `pam_unix\((?:sudo|sudo-i|su|su-l|runuser|runuser-l|polkit-1|pkexec):session\): session closed for user (?<target_user>\S+)`
      set   = { event_type = "session_closed" }
    }

    pattern {
      regex = `pam_unix\([^:()\s]+:session\): session opened for user (?<user>[^\s(]+)(?:\(uid=\d+\))? by [^\s(]*\(uid=\d+\)`
      set   = { event_type = "session_opened", result = "success" }
    }

    pattern {
      regex = `pam_unix\([^:()\s]+:session\): session closed for user (?<user>\S+)`
      set   = { event_type = "session_closed" }
    }

    pattern {
      regex = `pam_unix\((?:sudo|sudo-i|su|su-l|runuser|runuser-l|polkit-1|pkexec):auth\): authentication failure; logname=\S* uid=\d+ euid=\d+ tty=(?<tty>\S*) ruser=(?<user>.*) rhost=(?<source_ip>\S*)(?:\s+user=(?<target_user>\S+))?\s*`
      set   = { event_type = "authentication_failed", result = "failure" }
    }

    pattern {
      regex = `pam_(?:unix|sss)\([^:()\s]+:auth\): authentication failure; logname=\S* uid=\d+ euid=\d+ tty=(?<tty>\S*) ruser=.* rhost=(?<source_ip>\S*)(?:\s+user=(?<user>\S+))?\s*`
      set   = { event_type = "authentication_failed", result = "failure" }
    }

    pattern {
      regex = `PAM \d+ more authentication failures?; logname=\S* uid=\d+ euid=\d+ tty=(?<tty>\S*) ruser=.* rhost=(?<source_ip>\S*)(?:\s+user=(?<user>\S+))?\s*`
      set   = { event_type = "authentication_failed", result = "failure" }
    }

    pattern {
      regex = `pam_unix\([^:()\s]+:auth\): check pass; user unknown`
      set   = { event_type = "invalid_user", result = "failure" }
    }

    pattern {
      regex = `pam_unix\([^:()\s]+:chauthtok\): password changed for (?<target_user>\S+)`
      set   = { event_type = "password_changed", result = "success" }
    }

    pattern {
      regex = `pam_unix\([^:()\s]+:chauthtok\): user "(?<target_user>.*)" does not exist in \S+`
      set   = { event_type = "password_changed", result = "failure" }
    }

    pattern {
      regex = `pam_(?:faillock|tally2?)\([^:()\s]+:auth\): (?:Consecutive login failures for user|user) (?<user>\S+) .*`
      set   = { event_type = "account_locked", result = "failure" }
    }
  }
}
