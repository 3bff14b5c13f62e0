detection "web_path_traversal" {
  channel     = "*.access"
  title       = "Path traversal in a web request"
  description = <<-EOT
    The address climbs out of the folder that the server serves, to read files such as passwords or to run
    programs. An answer with 200 means that it may have worked.
  EOT
  severity       = "medium"
  tags           = ["attack.initial_access", "attack.discovery", "attack.t1190", "attack.t1083"]
  falsepositives = ["A badly written link or client that leaves `../../` in addresses.", "A security test."]
  references     = ["https://owasp.org/www-community/attacks/Path_Traversal"]

  where = <<-EOT
    regexp_matches(request_uri, '(?i)((\.|%2e|%252e){2}(/|\\|%2f|%5c|%252f|%255c)){2}')
    or regexp_matches(request_uri, '(?i)(\.|%2e|%252e){2}(/|\\|%2f|%5c|%252f|%255c).*(etc(/|%2f)(passwd|shadow)|win\.ini|boot\.ini)')
  EOT

  message = "{remote_addr} tried to leave the folder: {request_method} {request_uri}, answered with {status}"
}
