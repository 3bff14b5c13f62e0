# What Sigma rules call the logs of Linux. Rules of a service look for words in the whole line.
logsource "linux_auth" {
  product = "linux"
  table   = "linux_auth_log"

  any {}

  service "auth" {}
  service "sshd" {
    where = { program = "sshd" }
  }
  service "sudo" {
    where = { program = "sudo" }
  }
  service "cron" {
    where = { program = ["cron", "CRON", "crond"] }
  }
}

logsource "linux_syslog" {
  product = "linux"
  table   = "syslog"

  any {}

  service "syslog" {}
  service "cron" {
    where = { program = ["cron", "CRON", "crond"] }
  }
  service "vsftpd" {
    where = { program = "vsftpd" }
  }
  service "clamav" {
    where = { program = ["clamd", "clamav", "freshclam"] }
  }
  service "guacamole" {
    where = { program = ["guacd", "guacamole"] }
  }
}
