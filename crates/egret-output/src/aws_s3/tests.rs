//! Against moto: objects and their keys.

use egret_http::HttpResponse;
use egret_peer::Moto;

use super::*;
use crate::aws_message::tests::{block, moto, service};
use crate::testing::{delivery, letter, monstrous_letter, output_of};

async fn call(moto: &Moto, method: Method, path: &str) -> Result<HttpResponse, SendError> {
    let service = service("s3", Some(&moto.url()));
    let mut url = service.endpoint().clone();
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    url.set_path(path);
    url.set_query(query);
    service
        .call(HttpRequest { method, url, headers: HeaderMap::new(), body: Bytes::new() }, service.deadline())
        .await
}

async fn make_bucket(moto: &Moto, name: &str) {
    let location = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
    let service = service("s3", Some(&moto.url()));
    let mut url = service.endpoint().clone();
    url.set_path(name);
    let request = HttpRequest { method: Method::PUT, url, headers: HeaderMap::new(), body: location.into() };
    service.call(request, service.deadline()).await.unwrap();
}

/// The keys in a bucket.
async fn keys(moto: &Moto, bucket: &str) -> Vec<String> {
    let listed = call(moto, Method::GET, &format!("/{bucket}?list-type=2")).await.unwrap();
    let text = String::from_utf8(listed.body.to_vec()).unwrap();
    text.split("<Key>").skip(1).map(|rest| rest.split("</Key>").next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_object_for_each_delivery() {
    let moto = moto().await;
    make_bucket(moto, "plain").await;
    let output = output_of(&block("aws_s3", moto, "bucket = \"plain\"\n encryption = \"AES256\""));
    let mut letters = [letter(AlertAction::Raise, Escape::Json), letter(AlertAction::Comment, Escape::Json)];
    letters[1].delivery.alert.revision = 3;
    for _ in 0..2 {
        assert_eq!(output.output.send(&letters).await, [Ok(Receipt::default()), Ok(Receipt::default())]);
    }
    let folder = "alerts/dt=2023-11-14-22/root_login/0123456789abcdef0123456789abcdef";
    assert_eq!(keys(moto, "plain").await, [format!("{folder}-2.json"), format!("{folder}-3.json")]);
    let object = call(moto, Method::GET, &format!("/plain/{folder}-3.json")).await.unwrap();
    assert_eq!(object.json(), letters[1].delivery.to_json());
    assert_eq!(object.headers["content-type"], "application/json");
    assert_eq!(object.headers["x-amz-server-side-encryption"], "AES256");
}

#[tokio::test]
async fn nothing_leads_out_of_the_prefix() {
    let moto = moto().await;
    make_bucket(moto, "hostile").await;
    let key = "key = \"safe/{{ alert.title }}/{{ alert.detection_id }}/{{ alert.event.a }}{{ alert.event.a }}/{{ alert.event.none }}/{{ alert.partition | safe }}/%Y.json\"";
    let output = output_of(&block("aws_s3", moto, &format!("bucket = \"hostile\"\n {key}")));
    let mut letters = [monstrous_letter(AlertAction::Raise), letter(AlertAction::Raise, Escape::Json)];
    let alert = &mut letters[1].delivery.alert;
    alert.title = "../../other".into();
    alert.detection_id = "..".into();
    alert.event.insert("a".into(), ".".into());
    alert.partition = "..".into();
    let answers = output.output.send(&letters).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let keys = keys(moto, "hostile").await;
    assert_eq!(keys.len(), 2);
    for key in &keys {
        assert!(key.starts_with("safe/") && key.len() <= MAX_KEY_BYTES, "{key}");
        assert_eq!(key.matches('/').count(), 6, "{key}");
        assert!(key.split('/').all(|part| !part.is_empty() && part != "." && part != ".."), "{key}");
    }
    assert!(keys.contains(&"safe/______other/__/__/_/__/2023.json".to_owned()), "{keys:?}");
    // Whole: objects have no limit that an alert could reach.
    let monster = keys.iter().find(|key| key.contains("channel")).unwrap();
    let object = call(moto, Method::HEAD, &format!("/hostile/{monster}")).await.unwrap();
    assert_eq!(object.headers["content-length"], letters[0].payload().len().to_string());
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_refused() {
    let moto = moto().await;
    let output = output_of(&block("aws_s3", moto, "bucket = \"nowhere\""));
    let error = output.output.send(&[letter(AlertAction::Raise, Escape::Json)]).await.remove(0).unwrap_err();
    assert!(matches!(&error, SendError::Refused { message } if message.contains("NoSuchBucket")), "{error}");
}

fn s3(bucket: &str, key: &str, endpoint: Option<&str>) -> S3 {
    let key = DatedName::parse(key).unwrap();
    S3 { service: service("s3", endpoint), bucket: bucket.into(), key, headers: HeaderMap::new() }
}

#[test]
fn buckets_are_where_the_store_has_them() {
    for (bucket, endpoint, expected) in [
        ("alerts", None, "https://alerts.s3.eu-west-1.amazonaws.com/a%3Db/c.json"),
        ("my.alerts", None, "https://s3.eu-west-1.amazonaws.com/my.alerts/a%3Db/c.json"),
        ("alerts", Some("http://minio:9000/store/"), "http://minio:9000/store/alerts/a%3Db/c.json"),
    ] {
        assert_eq!(s3(bucket, KEY, endpoint).url("a=b/c.json").unwrap().as_str(), expected);
    }
}

#[test]
fn keys_have_a_limit() {
    let delivery = delivery(AlertAction::Raise);
    let long = s3("alerts", &"x".repeat(1025), None).key(&delivery).unwrap_err();
    assert!(matches!(&long, SendError::Refused { message } if message.contains("look at `key`")), "{long}");
    assert_eq!(s3("alerts", "//a///b", None).key(&delivery).unwrap(), "a/_/_/b");
}
