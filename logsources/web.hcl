# What Sigma rules call the logs of web servers: their fields have the names of W3C logs. A path and a query are one
# field here, the request as the client wrote it.
logsource "nginx" {
  table = "nginx_access_log"

  category "webserver" {
    fields = {
      "cs-method"      = "request_method"
      "cs-uri"         = "request_uri"
      "cs-uri-stem"    = "request_uri"
      "cs-uri-query"   = "request_uri"
      "c-uri"          = "request_uri"
      "cs-version"     = "server_protocol"
      "cs-user-agent"  = "http_user_agent"
      "c-useragent"    = "http_user_agent"
      "cs-referer"     = "http_referer"
      "cs-referrer"    = "http_referer"
      "cs-username"    = "remote_user"
      "c-ip"           = "remote_addr"
      "sc-status"      = "status"
      "sc-bytes"       = "body_bytes_sent"
      "cs-host"        = "http_host"
      "cs-cookie"      = "http_cookie"
    }
  }
  service "nginx" {}
}

logsource "apache" {
  table = "apache_access_log"

  category "webserver" {
    fields = {
      "cs-method"      = "request_method"
      "cs-uri"         = "request_uri"
      "cs-uri-stem"    = "request_uri"
      "cs-uri-query"   = "request_uri"
      "c-uri"          = "request_uri"
      "cs-version"     = "server_protocol"
      "cs-user-agent"  = "http_user_agent"
      "c-useragent"    = "http_user_agent"
      "cs-referer"     = "http_referer"
      "cs-referrer"    = "http_referer"
      "cs-username"    = "remote_user"
      "c-ip"           = "remote_addr"
      "sc-status"      = "status"
      "sc-bytes"       = "body_bytes_sent"
    }
  }
  service "apache" {}
}
