detection "aws_mfa_device_deactivated" {
  table       = "aws_cloudtrail_log"
  title       = "Second factor removed from a user"
  description = <<-EOT
    Without its second factor a user is protected by the password alone. Attackers remove it to keep the
    access they have, or to put a device of their own in its place.
  EOT
  severity       = "medium"
  tags           = ["attack.persistence", "attack.credential_access", "attack.t1556.006"]
  falsepositives = ["A lost or replaced telephone.", "A user who leaves."]
  references     = ["https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeactivateMFADevice.html"]

  where = <<-EOT
    event_name in ('DeactivateMFADevice', 'DeleteVirtualMFADevice')
    and event_source = 'iam.amazonaws.com'
    and error_code is null
  EOT

  message = "{user_identity.arn} called {event_name} for {request_parameters.userName} from {source_ip_address}"
}
