detection "http_cookie_less_protected" {
  table       = "change"
  channel     = "network.http_headers.**"
  title       = "Cookie is protected less"
  description = <<-EOT
    A cookie may now be sent without TLS, or read by scripts. If it is the one of a session, whoever listens, or gets a
    script into the page, takes the session over.
  EOT
  severity       = "medium"
  tags           = ["attack.credential_access", "attack.t1539"]
  falsepositives = ["A cookie that holds nothing secret, such as a language."]
  references     = ["https://attack.mitre.org/techniques/T1539/", "https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/Cookies"]

  where = <<-EOT
    operation = 'change'
    and path like '/cookies/%'
    and (path like '%/secure' or path like '%/http_only')
    and after = 'false'
  EOT

  message = "{key}: {path_text} was {before}, is {after}"
}
