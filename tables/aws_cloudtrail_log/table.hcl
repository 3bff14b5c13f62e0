# CloudTrail: who called which AWS API. Files in S3 are documents with the records in `Records`.
table "aws_cloudtrail_log" {
  description = "AWS CloudTrail: calls of AWS APIs and sign-ins, who made them, from where, and what came of them."
  channel     = "aws.cloudtrail"
  format      = format.json.records
  map_fields  = []
  recognise   = [["eventVersion", "eventSource"], ["eventVersion", "insightDetails"]]
  file_layout = `AWSLogs/(%{DATA:org_id}/)?%{NUMBER:account_id}/CloudTrail/%{DATA:region}/%{YEAR:year}/%{MONTHNUM:month}/%{MONTHDAY:day}/%{DATA}.json.gz`

  column "tp_timestamp" {
    source = "eventTime"
  }

  column "tp_source_ip" {
    source = "sourceIPAddress"
  }

  column "additional_event_data" {
    description = "What the service adds that is neither request nor response, such as whether MFA was used to sign in."
    type        = "json"
    source      = "additionalEventData"
  }

  column "api_version" {
    description = "The version of the API that was called."
    type        = "varchar"
    source      = "apiVersion"
  }

  column "aws_region" {
    description = "The region that the request was made to."
    type        = "varchar"
    source      = "awsRegion"
  }

  column "edge_device_details" {
    description = "About the edge device that the request went to."
    type        = "json"
    source      = "edgeDeviceDetails"
  }

  column "error_code" {
    description = "Why the request failed, as a code such as `AccessDenied`; null if it succeeded."
    type        = "varchar"
    source      = "errorCode"
  }

  column "error_message" {
    description = "Why the request failed, in words."
    type        = "varchar"
    source      = "errorMessage"
  }

  column "event_category" {
    description = "`Management`, `Data`, `NetworkActivity` or `Insight`."
    type        = "varchar"
    source      = "eventCategory"
  }

  column "event_id" {
    description = "CloudTrail's id of the event."
    type        = "varchar"
    source      = "eventID"
  }

  column "event_name" {
    description = "The action that was called, such as `ConsoleLogin` or `RunInstances`."
    type        = "varchar"
    source      = "eventName"
  }

  column "event_source" {
    description = "The service that was called, such as `iam.amazonaws.com`."
    type        = "varchar"
    source      = "eventSource"
  }

  column "event_time" {
    description = "When the request was made (UTC)."
    type        = "timestamp"
    source      = "eventTime"
  }

  column "event_type" {
    description = "What made the event, such as `AwsApiCall` or `AwsConsoleSignIn`."
    type        = "varchar"
    source      = "eventType"
  }

  column "event_version" {
    description = "The version of the record's format."
    type        = "varchar"
    source      = "eventVersion"
  }

  column "management_event" {
    description = "Whether it is a management event."
    type        = "boolean"
    source      = "managementEvent"
  }

  column "read_only" {
    description = "Whether the action only reads."
    type        = "boolean"
    source      = "readOnly"
  }

  column "recipient_account_id" {
    description = "The account that received the event."
    type        = "varchar"
    source      = "recipientAccountId"
  }

  column "request_id" {
    description = "The service's id of the request."
    type        = "varchar"
    source      = "requestID"
  }

  column "request_parameters" {
    description = "What the request asked for, as JSON."
    type        = "json"
    source      = "requestParameters"
  }

  column "resources" {
    description = "The resources that were used, as a JSON array."
    type        = "json"
    source      = "resources"
    observables = {
      "[*].ARN" = "aka"
      "[*].arn" = "aka"
    }
  }

  column "response_elements" {
    description = "What the service answered to a request that changes something, as JSON."
    type        = "json"
    source      = "responseElements"
  }

  column "service_event_details" {
    description = "About an event that the service made by itself, as JSON."
    type        = "json"
    source      = "serviceEventDetails"
  }

  column "session_credential_from_console" {
    description = "Whether the credentials came from a session in the console."
    type        = "varchar"
    source      = "sessionCredentialFromConsole"
  }

  column "shared_event_id" {
    description = "The id that the records of one event have in common in several accounts."
    type        = "varchar"
    source      = "sharedEventID"
  }

  column "source_ip_address" {
    description = "The address that the request came from, or the name of an AWS service."
    type        = "varchar"
    source      = "sourceIPAddress"
    observable  = "ip"
  }

  column "tls_details" {
    description = "How the connection was encrypted."
    type        = "struct(cipher_suite varchar, client_provided_host_header varchar, tls_version varchar)"
    source      = "tlsDetails"
  }

  column "user_agent" {
    description = "What made the request, such as a browser or an SDK."
    type        = "varchar"
    source      = "userAgent"
  }

  column "user_identity" {
    description = "Who made the request."
    type        = <<-EOT
    struct(
      access_key_id varchar,
      account_id varchar,
      arn varchar,
      identity_provider varchar,
      invoked_by varchar,
      principal_id varchar,
      session_context struct(
        attributes struct(creation_date bigint, mfa_authenticated varchar),
        ec2_role_delivery varchar,
        session_issuer struct(account_id varchar, arn varchar, principal_id varchar, type varchar, user_name varchar),
        web_id_federation_data struct(attributes json, federated_provider varchar)
      ),
      type varchar,
      user_name varchar
    )
    EOT
    source      = "userIdentity"
    observables = {
      "arn"                                      = "aka"
      "session_context.session_issuer.arn"       = "aka"
      "user_name"                                = "username"
      "session_context.session_issuer.user_name" = "username"
    }
  }

  column "vpc_endpoint_id" {
    description = "The VPC endpoint that the request went through."
    type        = "varchar"
    source      = "vpcEndpointId"
  }
}
