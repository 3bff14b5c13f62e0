# What Egret collects, and what it looks for on the way.
# `egret config check` says what is wrong with this file, `egret collect` does what it says.

# Where the lake is: Parquet files and a catalog that any DuckDB can attach.
lake {
  path = "egret-lake"
}

# A partition is a part of a table, with the place it comes from. `egret table list` shows the tables.
partition "linux_auth_log" "this_host" {
  # The zone of timestamps that name none.
  timezone = "UTC"

  source "file" {
    # Files, folders and globs; plain, gzip or zstd. Rotated files are recognised.
    # Red Hat and its kin write "/var/log/secure*".
    paths = ["/var/log/auth.log*"]
  }
}

# partition "nginx_access_log" "shop" {
#   # Rows that do not pass are neither stored nor looked at.
#   filter = "request_uri <> '/health'"
#
#   source "file" {
#     paths = ["/var/log/nginx/access.log*"]
#   }
# }

# A detection looks at every row while it is collected. `egret hunt` runs it over what was collected before.
detection "root_login" {
  table    = "linux_auth_log"
  title    = "Root logged in over SSH"
  severity = "high"
  tags     = ["attack.t1078"]
  where    = "event_type = 'login' and user = 'root'"
  message  = "root logged in on {host} from {source_ip}"

  # `egret test` runs these.
  test "a key" {
    expect = true
    record = "Feb  1 10:00:00 web sshd[1]: Accepted publickey for root from 203.0.113.7 port 50022 ssh2"
  }

  test "somebody else" {
    expect = false
    record = "Feb  1 10:00:00 web sshd[1]: Accepted publickey for kim from 203.0.113.7 port 50022 ssh2"
  }
}

# A table of your own: any text file with a few lines.
#
# format "regex" "shop_log" {
#   layout = `^(?<time>\S+) (?<level>\w+) (?<message>.*)$`
# }
#
# table "shop_log" {
#   format = format.regex.shop_log
#
#   column "tp_timestamp" {
#     source = "time"
#   }
#   column "level" {
#     description = "INFO, WARN or ERROR."
#   }
# }
