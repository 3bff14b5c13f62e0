# What nginx writes, by the server's own `log_format`. Variables that have no column here become one.
table "nginx_access_log" {
  description = "nginx access logs: requests, what was answered, and how long it took."
  channel     = "nginx.access"
  format      = format.nginx_access_log.combined
  map_fields  = ["*"]

  column "tp_timestamp" {
    source = ["msec", "time_iso8601", "time_local"]
  }

  column "tp_source_ip" {
    source = "remote_addr"
  }

  column "tp_destination_ip" {
    source = "server_addr"
  }

  column "remote_addr" {
    description = "The client's address."
    type        = "varchar"
    observable  = "ip"
  }

  column "host" {
    description = "The host of the request: from the request line, the header `Host`, or the server's name."
    type        = "varchar"
    observable  = "domain"
  }

  column "remote_user" {
    description = "The user of basic authentication."
    type        = "varchar"
    observable  = "username"
  }

  column "time_local" {
    description = "The local time, as nginx writes it."
    type        = "varchar"
  }

  column "request_method" {
    description = "The method, such as `GET`."
    type        = "varchar"
  }

  column "request_uri" {
    description = "The path and query as the client sent them."
    type        = "varchar"
  }

  column "server_protocol" {
    description = "The protocol, such as `HTTP/1.1`."
    type        = "varchar"
  }

  column "status" {
    description = "The status of the response."
    type        = "integer"
  }

  column "body_bytes_sent" {
    description = "Bytes sent to the client, without headers."
    type        = "integer"
  }

  column "http_referer" {
    description = "The header `Referer`."
    type        = "varchar"
  }

  column "http_user_agent" {
    description = "The header `User-Agent`."
    type        = "varchar"
  }

  column "scheme" {
    description = "`http` or `https`."
    type        = "varchar"
  }

  column "http_host" {
    description = "The header `Host`."
    type        = "varchar"
    observable  = "domain"
  }

  column "http_cookie" {
    description = "The header `Cookie`."
    type        = "varchar"
  }

  column "content_length" {
    description = "The header `Content-Length` of the request."
    type        = "integer"
  }

  column "content_type" {
    description = "The header `Content-Type` of the request."
    type        = "varchar"
  }

  column "request_length" {
    description = "Bytes of the request with line, headers and body."
    type        = "integer"
  }

  column "server_name" {
    description = "The name of the server that took the request."
    type        = "varchar"
    observable  = "domain"
  }

  column "server_addr" {
    description = "The address of the server that took the request."
    type        = "varchar"
    observable  = "ip"
  }

  column "server_port" {
    description = "The port of the server that took the request."
    type        = "integer"
  }

  column "connection" {
    description = "The number of the connection."
    type        = "varchar"
  }

  column "connection_requests" {
    description = "How many requests came over the connection so far."
    type        = "integer"
  }

  column "msec" {
    description = "The time in seconds since 1970."
    type        = "float"
  }

  column "time_iso8601" {
    description = "The time (UTC)."
    type        = "timestamp"
  }

  column "bytes_sent" {
    description = "Bytes sent to the client."
    type        = "integer"
  }

  column "request_time" {
    description = "Seconds from the first byte of the request to the last of the response."
    type        = "float"
  }

  column "pipe" {
    description = "`p` if the request was pipelined, else `.`."
    type        = "varchar"
  }

  column "upstream_addr" {
    description = "The address of the upstream server."
    type        = "varchar"
  }

  column "upstream_status" {
    description = "The status of the upstream server's response."
    type        = "integer"
  }

  column "upstream_connect_time" {
    description = "Seconds to connect to the upstream server."
    type        = "float"
  }

  column "upstream_header_time" {
    description = "Seconds to the upstream server's headers."
    type        = "float"
  }

  column "upstream_response_time" {
    description = "Seconds to the end of the upstream server's response."
    type        = "float"
  }

  column "ssl_protocol" {
    description = "The protocol of the encrypted connection."
    type        = "varchar"
  }

  column "ssl_cipher" {
    description = "The cipher of the encrypted connection."
    type        = "varchar"
  }

  column "ssl_session_id" {
    description = "The id of the encrypted session."
    type        = "varchar"
  }

  column "ssl_client_cert" {
    description = "The client's certificate."
    type        = "varchar"
  }

  column "gzip_ratio" {
    description = "How much smaller the response became by compression."
    type        = "float"
  }
}
