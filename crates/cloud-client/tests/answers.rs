//! What becomes of every kind of answer: understood, refused or given up within its bounds, and no secret in an error.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cloud_client::{Answer, CloudError, Http, HttpSettings, Method, Secret, ServiceUser, Session, ValidToken};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const PASSWORD: &str = "swordfish";
const TOKEN: &str = "gAAAA-of-the-service";
const SUBJECT: &str = "gAAAA-of-somebody";
/// Bounds small enough to meet them.
const BYTES: usize = 1000;
const TIME: Duration = Duration::from_millis(400);

/// What the server does with a request.
#[derive(Clone)]
enum Does {
    /// Says this and hangs up.
    Says(String),
    /// Says this, then a byte from time to time for ever.
    Drips(&'static str),
    /// Says this, then more of the same as fast as it can.
    Floods(&'static str),
}

fn says(status: &str, body: &str) -> Does {
    Does::Says(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

/// A server that does what it is told, by the first line of a request; its URL, and how often it was asked.
async fn serve(does: impl Fn(&str) -> Does + Send + Sync + 'static) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (asked, does) = (Arc::new(AtomicUsize::new(0)), Arc::new(does));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            let does = Arc::clone(&does);
            // A client that has heard enough hangs up.
            tokio::spawn(async move { drop(answer(stream, &*does).await) });
        }
    });
    (url, asked)
}

async fn answer(mut stream: TcpStream, does: &(impl Fn(&str) -> Does + Sync)) -> std::io::Result<()> {
    let mut request = vec![0; 8192];
    let length = stream.read(&mut request).await?;
    let request = String::from_utf8_lossy(&request[..length]).into_owned();
    match does(request.lines().next().unwrap_or_default()) {
        Does::Says(text) => stream.write_all(text.as_bytes()).await?,
        Does::Drips(text) => {
            stream.write_all(text.as_bytes()).await?;
            loop {
                tokio::time::sleep(TIME / 8).await;
                stream.write_all(b" ").await?;
            }
        }
        Does::Floods(text) => loop {
            stream.write_all(text.as_bytes()).await?;
        },
    }
    stream.shutdown().await
}

fn http() -> Http {
    Http::new(HttpSettings { bytes: BYTES, time: TIME, ..HttpSettings::default() }).unwrap()
}

fn session(url: &str) -> Session {
    let user = ServiceUser {
        auth_url: url.to_owned(),
        username: "baryon".to_owned(),
        password: Secret::new(PASSWORD),
        project_name: "service".to_owned(),
        user_domain_name: "Default".to_owned(),
        project_domain_name: "Default".to_owned(),
    };
    Session::new(http(), user)
}

fn without_secrets(error: &CloudError) -> String {
    let (shown, debugged) = (error.to_string(), format!("{error:?}"));
    for secret in [PASSWORD, TOKEN, SUBJECT] {
        assert!(!shown.contains(secret) && !debugged.contains(secret), "{secret} in {shown} or {debugged}");
    }
    shown
}

/// An error's text after its URL, and whether it passes.
fn told(result: Result<Answer, CloudError>, url: &str) -> (String, bool) {
    let answer = result.and_then(Answer::success);
    let error = answer.and_then(|answer| answer.json().map(|body| (body, answer.headers.len()))).unwrap_err();
    (without_secrets(&error).replace(url, "URL"), error.is_passing())
}

#[tokio::test]
async fn each_answer_is_bounded_and_has_a_text() {
    let words = "x".repeat(310);
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n{{}}", "X-More: of it\r\n".repeat(101));
    let large = format!("HTTP/1.1 200 OK\r\nX-Large: {}\r\n\r\n{{}}", "x".repeat(256 << 10));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n";
    let cases = [
        (says("500 X", r#"{"error": {"message": "broken\nhere"}}"#), "URL answered 500: broken here", true),
        (says("503 X", "<html>busy</html>"), "URL answered 503: Service Unavailable", true),
        (says("429 X", ""), "URL answered 429: Too Many Requests", true),
        (says("409 X", r#"{"message": "taken"}"#), "URL answered 409: taken", false),
        (
            says("400 X", &format!(r#"{{"message": "{words}"}}"#)),
            &format!("URL answered 400: {}", &words[..300]),
            false,
        ),
        (says("300 X", r#"{"versions": {"values": []}}"#), "URL answered 300: Multiple Choices", false),
        (says("302 Found\r\nLocation: /elsewhere", ""), "URL answered 302: Found", false),
        (says("308 X\r\nLocation: /elsewhere", ""), "URL answered 308: Permanent Redirect", false),
        (
            says("200 OK", "<html>hello</html>"),
            "URL gave an answer that cannot be understood: status 200 OK, expected value at line 1 column 1",
            false,
        ),
        (says("200 OK", &"1".repeat(BYTES + 1)), "URL answered with more than 1000 bytes", false),
        (Does::Floods(chunked), "URL does not answer: ", true),
        (Does::Floods("HTTP/1.1 200 OK\r\n\r\nxxxxxxxxxxxxxxxxxx"), "URL answered with more than 1000 bytes", false),
        (Does::Floods("HTTP/1.1 200 OK\r\nX-More: of it\r\n"), "URL does not answer: ", true),
        (Does::Drips("HTTP/1.1 200 OK\r\nX-Slow: "), "URL did not answer within 0.4 s", true),
        (Does::Drips("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"), "URL did not answer within 0.4 s", true),
        (Does::Says(many), "URL does not answer: message head is too large", true),
        (Does::Says(large), "URL does not answer: message head is too large", true),
        (Does::Says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_owned()), "URL does not answer: ", true),
        (Does::Says("220 mail.example.org\r\n".to_owned()), "URL does not answer: ", true),
        (Does::Says(String::new()), "URL does not answer: ", true),
    ];
    for (number, (does, expected, passes)) in cases.into_iter().enumerate() {
        let (url, asked) = serve(move |_| does.clone()).await;
        let begin = Instant::now();
        let (text, is_passing) = told(http().ask(Method::GET, &url, &[("x-auth-token", TOKEN)], None).await, &url);
        let fits = if expected.ends_with(": ") { text.starts_with(expected) } else { text == expected };
        assert!(fits && is_passing == passes, "case {number}: {text:?} ({is_passing}), not {expected:?} ({passes})");
        assert!(begin.elapsed() < TIME * 4, "case {number} took {:?}", begin.elapsed());
        assert_eq!(asked.load(Ordering::Relaxed), 1, "case {number}: nothing is followed or asked twice");
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_not() {
    for (url, expected) in [
        ("ftp://host/", "'ftp://host/' is no URL that can be asked: give http:// or https://, a host and a path"),
        ("/v3", "'/v3' is no URL that can be asked: give http:// or https://, a host and a path"),
        ("http://a b/", "'http://a b/' is no URL that can be asked: give http:// or https://, a host and a path"),
        (
            "http://baryon:swordfish@host/v3",
            "a URL that is to be asked holds a user's name or password before its host: leave that out",
        ),
        ("http://name.invalid/", "http://name.invalid/ does not answer: "),
    ] {
        let error = without_secrets(&http().ask(Method::GET, url, &[], None).await.unwrap_err());
        let slow = error.contains("did not answer within");
        assert!(error.starts_with(expected) || url.contains(".invalid") && slow, "{url}: {error}");
    }
    let broken = format!("{TOKEN}\n");
    let error = http().ask(Method::GET, "http://host/", &[("x-auth-token", &broken)], None).await.unwrap_err();
    let expected = "the header x-auth-token cannot be sent: its value has characters that HTTP does not allow";
    assert_eq!(without_secrets(&error), expected);
}

/// A login that Keystone grants.
fn granted() -> Does {
    let body = r#"{"token": {"issued_at": "2026-11-22T19:08:24.000000Z", "expires_at": "2999-01-01T00:00:00.000000Z",
        "catalog": [{"type": "identity", "endpoints": []}]}}"#;
    says(&format!("201 Created\r\nX-Subject-Token: {TOKEN}"), body)
}

#[tokio::test]
async fn each_answer_to_a_login_has_a_meaning() {
    let refusal = r#"{"error": {"code": 401, "message": "The request you have made requires authentication."}}"#;
    let cases = [
        (
            says("401 X", refusal),
            "URL refuses the login of user 'baryon' of project 'service': The request you have made requires \
             authentication; check the service user's name, password, project and domains, and that it is enabled and \
             has a role there",
            false,
        ),
        (says("500 X", "oops"), "URL answered 500: Internal Server Error", true),
        (says("300 X", "{}"), "URL answered 300: Multiple Choices", false),
        (says("200 OK", "{}"), "URL answered 200: OK", false),
        (says("201 X", "{}"), "URL gave an answer that cannot be understood: it has no X-Subject-Token", false),
        (
            says(&format!("201 X\r\nX-Subject-Token: {TOKEN}"), r#"{"token": {"expires_at": 7}}"#),
            "URL gave an answer that cannot be understood: no issued_at",
            false,
        ),
        (
            says(&format!("201 X\r\nX-Subject-Token: {TOKEN}"), "{"),
            "URL gave an answer that cannot be understood: status 201 Created, EOF while parsing an object at line 1 \
             column 1",
            false,
        ),
    ];
    for (does, expected, passes) in cases {
        let (url, asked) = serve(move |_| does.clone()).await;
        let session = session(&url);
        let error = session.access().await.unwrap_err();
        assert_eq!(without_secrets(&error).replace(&format!("{url}/v3/auth/tokens"), "URL"), expected);
        assert_eq!(error.is_passing(), passes, "{expected}");
        // Asked again at once it says the same without asking: a wrong password locks nobody out.
        assert_eq!(session.access().await.unwrap_err(), error);
        assert_eq!(asked.load(Ordering::Relaxed), 1, "{expected}");
    }
}

#[tokio::test]
async fn a_catalogue_without_the_service_is_named() {
    let (url, _) = serve(|_| granted()).await;
    let session = session(&url);
    assert!(!format!("{session:?} {:?}", session.access().await.unwrap()).contains(TOKEN));
    let error = session.endpoint("compute", "public", Some("RegionOne")).await.unwrap_err();
    let expected = "the catalogue of URL/v3 has no public endpoint of type compute in region RegionOne; add one, or name \
                    it in the configuration";
    assert_eq!(without_secrets(&error).replace(&url, "URL"), expected);
}

#[tokio::test]
async fn each_answer_about_a_token_has_a_meaning() {
    let refused = r#"{"error": {"message": "You are not authorized to perform the requested action."}}"#;
    let login = "URL refuses the login of user 'baryon' of project 'service': it may not validate tokens (You are not \
                 authorized to perform the requested action); give it the role 'service' or 'admin' in that project; ";
    let cases = [
        (says("404 X", "{}"), "", false),
        (says("400 X", "{}"), "", false),
        (says("403 X", refused), login, false),
        (says("401 X", refused), login, false),
        (says("500 X", ""), "URL answered 500: Internal Server Error", true),
        (says("300 X", "{}"), "URL answered 300: Multiple Choices", false),
        (says("302 X\r\nLocation: /elsewhere", ""), "URL answered 302: Found", false),
        (says("200 OK", "{"), "URL gave an answer that cannot be understood: status 200 OK, EOF", false),
        (says("200 OK", "{}"), "URL gave an answer that cannot be understood: it does not describe a token", false),
        (says("200 OK", &"1".repeat(BYTES + 1)), "URL answered with more than 1000 bytes", false),
    ];
    for (does, expected, passes) in cases {
        let (url, _) = serve(move |request| if request.starts_with("POST") { granted() } else { does.clone() }).await;
        let result = ValidToken::validate(&session(&url), SUBJECT, false).await;
        if expected.is_empty() {
            assert_eq!(result, Ok(None));
            continue;
        }
        let error = result.unwrap_err();
        let text = without_secrets(&error).replace(&format!("{url}/v3/auth/tokens?nocatalog"), "URL");
        assert!(text.starts_with(expected), "{text:?}, not {expected:?}");
        assert_eq!(error.is_passing(), passes, "{expected}");
    }
}
