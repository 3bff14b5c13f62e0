detection "web_shell_access" {
  channel     = "*.access"
  title       = "Web shell answered"
  description = <<-EOT
    A script that is called like a known web shell, or that was given a command of the operating system,
    answered. Whoever can call it runs commands on the server.
  EOT
  severity       = "critical"
  tags           = ["attack.persistence", "attack.t1505.003"]
  falsepositives = ["A script of one's own that happens to have such a name.", "A server that answers everything with 200."]
  references     = ["https://attack.mitre.org/techniques/T1505/003/"]

  where = <<-EOT
    status between 200 and 299
    and (
      regexp_matches(request_uri, '(?i)/(c99|r57|b374k|wso\d*|alfa(shell)?|weevely|webshell|phpshell|cmd|cmdasp|jspspy|antsword|godzilla)\.(php\d?|phtml|aspx?|ashx|jspx?)(\?|$)')
      or regexp_matches(request_uri,
        '(?i)\.(php\d?|phtml|aspx?|ashx|jspx?)\?(.*&)?(cmd|exec|execute|command|c)=(/bin/)?(whoami|id|uname|hostname|ifconfig|ipconfig|netstat|ls|dir|pwd|cat|wget|curl|powershell)(\+|%20|;|%3b|&|$)'))
  EOT

  message = "{remote_addr} called what may be a web shell: {request_method} {request_uri}, answered with {status}"
}
