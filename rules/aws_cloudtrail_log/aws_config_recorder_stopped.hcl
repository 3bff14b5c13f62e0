detection "aws_config_recorder_stopped" {
  table       = "aws_cloudtrail_log"
  title       = "AWS Config recording stopped"
  description = <<-EOT
    AWS Config remembers how resources were set up and when that changed. Without it, changes leave fewer
    traces and compliance checks see nothing.
  EOT
  severity       = "medium"
  tags           = ["attack.defense_evasion", "attack.t1562.008"]
  falsepositives = ["Recording that moves to the organisation's own set-up."]
  references     = ["https://docs.aws.amazon.com/config/latest/developerguide/stop-start-recorder.html"]

  where = <<-EOT
    event_name in ('StopConfigurationRecorder', 'DeleteConfigurationRecorder', 'DeleteDeliveryChannel')
    and event_source = 'config.amazonaws.com'
    and error_code is null
  EOT

  message = "{user_identity.arn} called {event_name} from {source_ip_address}"
}
