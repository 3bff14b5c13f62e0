detection "web_secret_file_served" {
  channel     = "*.access"
  title       = "File with secrets served"
  description = <<-EOT
    The server gave out a file that holds passwords, keys or the source code. Machines ask every server for
    these files all day; this one had it. Change what is in it, then remove it.
  EOT
  severity       = "high"
  tags           = ["attack.credential_access", "attack.t1552.001"]
  falsepositives = ["A server that answers everything with 200."]
  references     = ["https://attack.mitre.org/techniques/T1552/001/"]

  where = <<-EOT
    status between 200 and 299
    and regexp_matches(request_uri,
      '(?i)/(\.env(\.(local|prod|production|dev))?|\.git/(config|HEAD|index)|\.svn/entries|\.aws/credentials|\.ssh/[^/?]+|id_(rsa|dsa|ecdsa|ed25519)|\.htpasswd|wp-config\.php\.(bak|old|save|orig|txt)|\.npmrc|\.docker/config\.json)(\?|$)')
  EOT

  message = "{remote_addr} was given {request_uri}: {body_bytes_sent} bytes"
}
