//! The scripted server itself: it speaks every API, counts, and comes to its end.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::{Api, Call, ModelServer, Say};

/// Sends a body to a URL, and gives what comes back.
fn post(url: &str, body: &Value) -> String {
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let body = body.to_string();
    let head =
        format!("POST /{path} HTTP/1.1\r\nHost: here\r\nX-Key: secret\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

/// Where a question is asked, and its body.
fn question(server: &ModelServer, api: Api, model: &str) -> (String, Value) {
    let messages = json!({"model": model, "messages": [{"role": "user", "content": "well?"}]});
    let (path, body) = match api {
        Api::AnthropicMessages => ("/v1/messages".to_owned(), messages),
        Api::OpenAiChat => ("/chat/completions".to_owned(), messages),
        Api::OpenAiResponses => ("/responses".to_owned(), json!({"model": model, "input": "well?"})),
        Api::Gemini => {
            let path = format!("/v1beta/models/{model}:generateContent");
            (path, json!({"contents": [{"role": "user", "parts": [{"text": "well?"}]}]}))
        }
    };
    (server.base_url(api) + &path, body)
}

#[test]
fn the_scripted_server_answers_in_every_api_and_records_what_it_was_asked() {
    let server = ModelServer::start(|asked| match asked.before {
        0 => Say::scores(&[("R001", 0.5)]),
        1 => Say::Refuse(429, vec![("retry-after", "7".to_owned())], "slow down".to_owned()),
        2 => Say::Body("<html>".to_owned()),
        3 => Say::refuse(529, "overloaded"),
        _ => Say::Cut,
    });
    for (place, api) in Api::ALL.into_iter().enumerate() {
        let (url, body) = question(&server, api, &format!("model-{place}"));
        let replies: Vec<String> = (0..5).map(|_| post(&url, &body)).collect();
        assert!(replies[0].starts_with("HTTP/1.1 200") && replies[0].contains("R001"), "{}", replies[0]);
        assert!(replies[1].starts_with("HTTP/1.1 429") && replies[1].contains("retry-after: 7\r\n"), "{}", replies[1]);
        assert!(replies[1].contains("slow down") && replies[2].ends_with("\r\n\r\n<html>"), "{}", replies[2]);
        assert!(replies[3].starts_with("HTTP/1.1 529") && replies[3].contains("overloaded"), "{}", replies[3]);
        let (head, half) = replies[4].split_once("\r\n\r\n").unwrap();
        assert!(!head.contains(&format!("content-length: {}\r\n", half.len())), "it is cut: {}", replies[4]);
        let asked = server.asked();
        let last = asked.last().unwrap();
        assert_eq!((last.api, last.before, last.question().as_str()), (api, 4, "well?"));
        assert_eq!((last.header("x-key"), server.times(&last.model)), (Some("secret"), 5));
    }
    assert!(post(&(server.base_url(Api::Gemini) + "/elsewhere"), &json!({})).starts_with("HTTP/1.1 404"));
    assert_eq!(server.asked().len(), 20, "what is no question is not counted");
}

#[test]
fn the_scripted_server_ends_with_its_test_also_while_somebody_waits_for_it() {
    let server = ModelServer::start(|_| Say::Hang);
    let waiting = std::thread::spawn({
        let address = server.address;
        move || {
            let mut stream = TcpStream::connect(address).unwrap();
            let head = "POST /v1/responses HTTP/1.1\r\nContent-Length: 13\r\n\r\n";
            stream.write_all(format!("{head}{{\"model\":\"m\"}}").as_bytes()).unwrap();
            stream.read_to_end(&mut Vec::new())
        }
    });
    server.wait_for("m", 1);
    drop(server);
    assert!(waiting.join().unwrap().is_ok());
}

/// The question as a program asks it that wants a stream, with a tool and the answer of one call.
fn streamed(server: &ModelServer, api: Api) -> (String, Value) {
    let (url, mut body) = question(server, api, "m");
    let (tool, call) = (json!({"name": "write"}), json!({"name": "write", "response": {}}));
    match api {
        Api::AnthropicMessages => {
            body["tools"] = json!([tool]);
            body["messages"] =
                json!([{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1"}]}]);
        }
        Api::OpenAiChat => {
            body["tools"] = json!([{"type": "function", "function": tool}]);
            body["messages"] = json!([{"role": "tool", "content": "written"}]);
        }
        Api::OpenAiResponses => {
            body["tools"] = json!([tool]);
            body["input"] = json!([{"type": "function_call_output", "output": "written"}]);
        }
        Api::Gemini => {
            body["tools"] = json!([{"functionDeclarations": [tool]}]);
            body["contents"] = json!([{"role": "user", "parts": [{"functionResponse": call}]}]);
        }
    }
    body["stream"] = json!(true);
    (url.replace(":generateContent", ":streamGenerateContent?alt=sse"), body)
}

/// The events of a reply, each by its data, and whether the stream came to its end.
fn events(reply: &str) -> (Vec<Value>, bool) {
    let (head, chunks) = reply.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: text/event-stream") && head.contains("transfer-encoding: chunked"), "{head}");
    let lines = chunks.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|line| *line != "[DONE]");
    (lines.map(|line| serde_json::from_str(line).unwrap()).collect(), chunks.ends_with("\r\n0\r\n\r\n"))
}

#[test]
fn the_scripted_server_streams_texts_and_calls_of_tools_in_every_api() {
    let call = Call { tool: "write", input: json!({"path": "é.txt", "text": "1\n2"}) };
    let server = ModelServer::start(move |asked| match asked.before {
        0..4 => Say::Call("I write the \u{fc}ber-file.".to_owned(), call.clone()),
        4..8 => Say::Answer("Done.".to_owned()),
        _ => Say::Cut,
    });
    let ask = |api| {
        let (url, body) = streamed(&server, api);
        let (events, is_whole) = events(&post(&url, &body));
        (events.iter().map(Value::to_string).collect::<Vec<_>>().join("\n"), events, is_whole)
    };
    for api in Api::ALL {
        let (text, events, is_whole) = ask(api);
        assert!(is_whole && events.len() > 2, "{text}");
        for said in ["I write the", "\u{fc}ber-file.", "\"write\"", "1200"] {
            let said = if api == Api::AnthropicMessages { said.replace("1200", "1000") } else { said.to_owned() };
            assert!(text.contains(&said), "{said}: {text}");
        }
        let asked = server.asked().pop().unwrap();
        assert_eq!((asked.api, asked.is_streamed, asked.tools(), asked.results()), (api, true, vec!["write"], 1));
    }
    for api in Api::ALL {
        let (text, _, is_whole) = ask(api);
        assert!(is_whole && text.contains("Do") && text.contains("ne.") && !text.contains("\"write\""), "{text}");
    }
    for api in Api::ALL {
        let (text, events, is_whole) = ask(api);
        assert!(!is_whole && !events.is_empty() && !text.contains("read to its end."), "{text}");
    }
    assert_eq!(
        post(&(server.base_url(Api::AnthropicMessages) + "/v1/messages/count_tokens"), &json!({"model": "m"}))
            .matches("1200")
            .count(),
        1
    );
    assert_eq!(
        (server.visits("POST /v1/messages/count_tokens"), server.visits("HEAD /"), server.times("m")),
        (1, 0, 12)
    );
}
