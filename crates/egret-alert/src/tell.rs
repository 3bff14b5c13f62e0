//! Who is told what happens to an alert.

use egret_model::AlertAction;
use egret_store::{NewDelivery, StoredAlert};

use crate::configuration::AlertSettings;
use crate::route::Destination;

/// What the outputs of an alert are to be told, those that take such news.
pub(crate) fn deliveries_of(
    settings: &AlertSettings,
    stored: &StoredAlert,
    action: AlertAction,
    by: Option<&str>,
    remark: Option<&str>,
) -> Vec<NewDelivery> {
    let alert = &stored.alert;
    let takes = |output: &&String| {
        settings
            .output(output)
            .is_some_and(|definition| definition.enabled && definition.actions.contains(&action))
    };
    let delivery = |output: &String| NewDelivery {
        alert_id: alert.alert_id.clone(),
        revision: alert.revision,
        output: output.clone(),
        route: stored.routes.get(output).cloned(),
        action,
        by: by.map(str::to_owned),
        remark: remark.map(str::to_owned),
    };
    alert.outputs.iter().filter(takes).map(delivery).collect()
}

/// Sends an alert further ways, beside those that it goes already; what is to be told there.
pub(crate) fn send_also_to(
    settings: &AlertSettings,
    stored: &mut StoredAlert,
    to: Vec<Destination>,
) -> Vec<NewDelivery> {
    let known = stored.alert.outputs.len();
    for Destination { output, route } in to {
        stored.routes.extend(route.map(|route| (output.clone(), route)));
        stored.alert.outputs.push(output);
    }
    let mut raised = deliveries_of(settings, stored, AlertAction::Raise, None, None);
    raised.retain(|delivery| stored.alert.outputs[known..].contains(&delivery.output));
    raised
}
