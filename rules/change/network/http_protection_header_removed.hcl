detection "http_protection_header_removed" {
  table       = "change"
  channel     = "network.http_headers.**"
  title       = "Web server protects its pages less"
  description = <<-EOT
    A header is gone that tells browsers to use TLS alone, to run no foreign scripts, or not to show the page within
    another one. A new configuration forgot it, or somebody makes room for an attack on those who visit.
  EOT
  severity       = "medium"
  tags           = ["attack.initial_access", "attack.t1189"]
  falsepositives = ["A header that was moved to another place, such as a proxy that is not asked."]
  references     = ["https://attack.mitre.org/techniques/T1189/", "https://owasp.org/www-project-secure-headers/"]

  where = <<-EOT
    operation = 'remove'
    and path in ('/headers/strict-transport-security', '/headers/content-security-policy',
      '/headers/x-frame-options', '/headers/x-content-type-options')
    and object_after->>'status' not like '5%'
  EOT

  message = "{key} does not send {path_text} any more"
}
