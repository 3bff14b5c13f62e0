# What Apache writes, by the server's own `LogFormat`. What has no column here becomes one.
table "apache_access_log" {
  description = "Apache access logs: requests, what was answered, and how long it took."
  channel     = "apache.access"
  format      = format.apache_access_log.combined
  map_fields  = ["*"]

  column "tp_timestamp" {
    source = "timestamp"
  }

  column "tp_source_ip" {
    source = "remote_addr"
  }

  column "tp_destination_ip" {
    source = "local_addr"
  }

  column "remote_addr" {
    description = "The client's address, or its name."
    type        = "varchar"
    observable  = "ip"
  }

  column "remote_logname" {
    description = "The user that the client's identd tells."
    type        = "varchar"
  }

  column "remote_user" {
    description = "The user of authentication."
    type        = "varchar"
    observable  = "username"
  }

  column "timestamp" {
    description = "When the request was received (UTC)."
    type        = "timestamp"
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

  column "local_addr" {
    description = "The server's address."
    type        = "varchar"
    observable  = "ip"
  }

  column "filename" {
    description = "The file that was served."
    type        = "varchar"
  }

  column "keepalive_requests" {
    description = "How many requests came over the connection before."
    type        = "integer"
  }

  column "server_name" {
    description = "The name of the server that took the request."
    type        = "varchar"
    observable  = "domain"
  }

  column "server_port" {
    description = "The port of the server that took the request."
    type        = "integer"
  }

  column "client_port" {
    description = "The client's port."
    type        = "integer"
  }

  column "apache_port" {
    description = "The port that Apache listens on."
    type        = "integer"
  }

  column "pid" {
    description = "The process that served the request."
    type        = "integer"
  }

  column "thread_id" {
    description = "The thread that served the request."
    type        = "integer"
  }

  column "hex_thread_id" {
    description = "The thread that served the request, in hexadecimal digits."
    type        = "varchar"
  }

  column "query_string" {
    description = "The query with its question mark."
    type        = "varchar"
  }

  column "handler" {
    description = "The handler that made the response."
    type        = "varchar"
  }

  column "request_time" {
    description = "Seconds that the request took."
    type        = "float"
  }

  column "request_time_ms" {
    description = "Milliseconds that the request took."
    type        = "float"
  }

  column "request_time_us" {
    description = "Microseconds that the request took."
    type        = "float"
  }

  column "connection_status" {
    description = "What became of the connection: `X` aborted, `+` kept alive, `-` closed."
    type        = "varchar"
  }

  column "bytes_received" {
    description = "Bytes received, with line and headers."
    type        = "integer"
  }

  column "bytes_sent" {
    description = "Bytes sent, with headers."
    type        = "integer"
  }

  column "bytes_transferred" {
    description = "Bytes received and sent."
    type        = "integer"
  }
}
