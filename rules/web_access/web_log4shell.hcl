detection "web_log4shell" {
  channel     = "*.access"
  title       = "Log4Shell in a web request"
  description = <<-EOT
    The request holds an expression that makes an old Log4j fetch and run code as soon as it logs it
    (CVE-2021-44228). Attempts are frequent; look whether a Java application behind this server connects to
    the named address.
  EOT
  severity       = "high"
  tags           = ["attack.initial_access", "attack.execution", "attack.t1190", "cve.2021.44228"]
  falsepositives = ["A security test."]
  references     = ["https://logging.apache.org/security.html#CVE-2021-44228"]

  where = <<-EOT
    regexp_matches(http_user_agent, '(?i)(\$|%24)(\{|%7b)(jndi|[^}]*(\$|%24)(\{|%7b)(lower|upper|env|sys|::-|%3a%3a-))')
    or regexp_matches(request_uri, '(?i)(\$|%24)(\{|%7b)(jndi|[^}]*(\$|%24)(\{|%7b)(lower|upper|env|sys|::-|%3a%3a-))')
    or regexp_matches(http_referer, '(?i)(\$|%24)(\{|%7b)(jndi|[^}]*(\$|%24)(\{|%7b)(lower|upper|env|sys|::-|%3a%3a-))')
  EOT

  message = "{remote_addr} sent a Log4Shell expression: {request_method} {request_uri}, user agent {http_user_agent}, referrer {http_referer}"
}
