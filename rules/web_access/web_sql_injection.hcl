detection "web_sql_injection" {
  channel     = "*.access"
  title       = "SQL injection in a web request"
  description = <<-EOT
    The address holds SQL, as somebody sends who tries whether the application hands its parameters to the
    database unread. Most attempts are automatic and fail: look at the ones that were answered with 200 or
    500. What is sent in the body of a request is not in this log.
  EOT
  severity       = "medium"
  tags           = ["attack.initial_access", "attack.t1190"]
  falsepositives = ["A search for words of SQL.", "A security test."]
  references     = ["https://owasp.org/www-community/attacks/SQL_Injection"]

  # Spaces come as %20, as a plus sign or as a comment; quotes plain or as %27.
  where = <<-EOT
    regexp_matches(request_uri, '(?i)(\b|%[0-9a-f]{2})union(\s|\+|%20|%09|%0a|/\*.*?\*/)+(all(\s|\+|%20|%09|%0a|/\*.*?\*/)+)?select\b')
    or regexp_matches(request_uri, '(?i)(''|%27|\d)(\s|\+|%20)*(or|and)(\s|\+|%20)+(''|%27)?(\w+)(''|%27)?(\s|\+|%20)*(=|%3d)(\s|\+|%20)*(''|%27)?\w')
    or regexp_matches(request_uri, '(?i)(\b|%[0-9a-f]{2})(pg_sleep|sleep|benchmark|waitfor(\s|\+|%20)+delay)(\s|\+|%20)*(\(|%28|''|%27)')
    or regexp_matches(request_uri, '(?i)(information_schema|xp_cmdshell|sqlite_master|pg_catalog)')
    or regexp_matches(request_uri, '(?i)(;|%3b)(\s|\+|%20)*(drop|delete|insert|update|alter|truncate)(\s|\+|%20)+(table|from|into|\w+(\s|\+|%20)+set)\b')
  EOT

  message = "{remote_addr} sent SQL: {request_method} {request_uri}, answered with {status}"
}
