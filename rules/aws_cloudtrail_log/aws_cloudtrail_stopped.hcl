detection "aws_cloudtrail_stopped" {
  table       = "aws_cloudtrail_log"
  title       = "CloudTrail logging stopped or trail deleted"
  description = <<-EOT
    Without the trail nobody sees what happens next: stopping it is a usual first step of an attacker who has
    administrator rights.
  EOT
  severity       = "critical"
  tags           = ["attack.defense_evasion", "attack.t1562.008"]
  falsepositives = ["A trail that is replaced by another, for example by that of the organisation."]
  references     = ["https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_StopLogging.html"]

  where = <<-EOT
    event_name in ('StopLogging', 'DeleteTrail')
    and event_source = 'cloudtrail.amazonaws.com'
    and error_code is null
  EOT

  message = "{user_identity.arn} called {event_name} on trail {request_parameters.name} from {source_ip_address}"
}
