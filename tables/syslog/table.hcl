# Syslog of any kind: RFC 3164, RFC 5424, and what rsyslog and syslog-ng write to files.
table "syslog" {
  description = "Syslog messages of any program, from files or from the network."
  channel     = "linux.syslog"
  format      = format.syslog.default
  map_fields  = ["*"]

  column "tp_timestamp" {
    source = "timestamp"
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

  column "msgid" {
    description = "The type of the message (RFC 5424)."
    type        = "varchar"
  }

  column "structured_data" {
    description = "The structured data (RFC 5424) as JSON."
    type        = "json"
  }
}
