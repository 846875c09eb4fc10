"""Uses the providers' own Python packages as clients of `ringback sim`, so that it cannot drift from the real protocols.

    ringback sim --port 8090 --say-heard "I would like a table." &
    python3 -m pip install openai deepgram-sdk cartesia
    python3 scripts/sdk_check.py http://127.0.0.1:8090

The simulator must return that line for what it hears. One line for each package: `ok`, or `missing` where it is not
installed. The exit status is 1 when a package did not accept what it was given.
"""

import importlib.util
import io
import sys
import traceback

VOICE = "6f1c0d8e-5f0a-4b5e-9a53-70696f000001"
LINE = "I would like a table."


def check_openai(base):
    import openai

    client = openai.OpenAI(api_key="sk-check", base_url=f"{base}/v1", max_retries=0, _strict_response_validation=True)
    tool = {"name": "slots", "description": "Free visits", "parameters": {"type": "object", "properties": {}}}
    question = [{"role": "user", "content": "Is Friday free?"}]
    answer = "You said: Is Friday free?"

    stream = client.chat.completions.create(
        model="gpt-6-luna",
        messages=question,
        stream=True,
        stream_options={"include_usage": True},
        reasoning_effort="none",
        tools=[{"type": "function", "function": tool}],
    )
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == answer
    assert chunks[-1].usage.completion_tokens == 5, chunks[-1]
    whole = client.chat.completions.create(model="gpt-6-luna", messages=question)
    assert whole.choices[0].message.content == answer
    with client.chat.completions.stream(model="gpt-6-luna", messages=question) as events:
        assert events.get_final_completion().choices[0].message.content == answer

    with client.responses.stream(model="gpt-6.1-sol", input=question) as events:
        kinds = [event.type for event in events]
        assert kinds[0] == "response.created" and kinds[-1] == "response.completed", kinds
        assert events.get_final_response().output_text == answer
    assert client.responses.create(model="gpt-6.1-sol", input="Is Friday free?", store=False).output_text == answer

    assert any(model.id == "gpt-6-luna" for model in client.models.list())
    speech = client.audio.speech.create(model="gpt-4o-mini-tts", voice="marin", input="Hello.", response_format="wav")
    file = io.BytesIO(speech.read())
    file.name = "hello.wav"
    heard = client.audio.transcriptions.create(model="gpt-transcribe", file=file)
    assert heard.text == LINE, heard

    for request, error in [
        (lambda: client.chat.completions.create(model="gpt-4-turbo", messages=question), openai.NotFoundError),
        (lambda: client.chat.completions.create(model="gpt-6-luna", messages=[]), openai.BadRequestError),
    ]:
        try:
            request()
        except error:
            continue
        raise AssertionError(f"{error.__name__} was expected")


def speak(client, transcript, context_id):
    """Audio and words of one context on Cartesia's socket."""
    audio, words = b"", []
    form = {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000}
    with client.tts.websocket_connect() as connection:
        context = connection.context(context_id)
        for part, more in [(transcript, True), ("Thank you. ", True)]:
            context.send(
                model_id="sonic-3.5",
                transcript=part,
                voice={"mode": "id", "id": VOICE},
                output_format=form,
                continue_=more,
                add_timestamps=True,
            )
        context.no_more_inputs()
        for event in context.receive():
            if event.type == "chunk":
                audio += event.audio
            elif event.type == "timestamps":
                words += event.word_timestamps.words
            elif event.type == "error":
                raise AssertionError(event)
    return audio, words


def check_cartesia(base):
    import cartesia

    sockets = base.replace("http", "ws", 1)
    client = cartesia.Cartesia(api_key="sk_car_check", base_url=base, websocket_base_url=sockets, max_retries=0)
    audio, words = speak(client, "Good morning. ", "check-1")
    assert words == ["Good", "morning.", "Thank", "you."], words
    assert len(audio) > 8000, len(audio)
    raw = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16000}
    asked = {"model_id": "sonic-3.5", "transcript": "Hello.", "voice": {"mode": "id", "id": VOICE}}
    assert len(client.tts.generate(output_format=raw, **asked).read()) > 8000
    events = [event.type for event in client.tts.generate_sse(output_format=raw, add_timestamps=True, **asked)]
    assert events[0] == "timestamps" and events[-1] == "done" and "chunk" in events, events
    assert any(voice.id == VOICE for voice in client.voices.list())
    try:
        client.tts.generate(output_format=raw, **{**asked, "model_id": "sonic-2"})
    except cartesia.NotFoundError:
        return
    raise AssertionError("an ended model was spoken with")


def valid(message):
    """The message again, with every field that its class demands."""
    return type(message).model_validate(message.model_dump())


def check_deepgram(base):
    import deepgram
    from deepgram.environment import DeepgramClientEnvironment
    from deepgram.speak.v1.types import SpeakV1Text

    sockets = base.replace("http", "ws", 1)
    where = DeepgramClientEnvironment(base=base, production=sockets, agent=sockets, agent_rest=base)
    client = deepgram.DeepgramClient(api_key="check", environment=where)
    words = client.speak.v1.audio.generate(
        text="Good morning.", model="aura-2-thalia-en", encoding="mulaw", sample_rate=8000, container="none"
    )
    audio = b"".join(words) + b"\xff" * 8000
    frames = [audio[at : at + 640] for at in range(0, len(audio), 640)]

    with client.listen.v1.connect(
        model="nova-3",
        encoding="mulaw",
        sample_rate=8000,
        interim_results=True,
        endpointing=300,
        utterance_end_ms=1000,
        vad_events=True,
        punctuate=True,
        keyterm=["Oakhurst"],
    ) as stream:
        for frame in frames:
            stream.send_media(frame)
        stream.send_keep_alive()
        stream.send_finalize()
        stream.send_close_stream()
        messages = [valid(message) for message in stream]
    kinds = {message.type for message in messages}
    assert {"Results", "SpeechStarted", "Metadata"} <= kinds, kinds
    finals = [m.channel.alternatives[0].transcript for m in messages if m.type == "Results" and m.is_final]
    assert LINE in finals, finals

    with client.listen.v2.connect(
        model="flux-general-en", encoding="mulaw", sample_rate=8000, eager_eot_threshold=0.5
    ) as stream:
        for frame in frames:
            stream.send_media(frame)
        stream.send_force_end_turn()
        stream.send_close_stream()
        messages = [valid(message) for message in stream]
    assert messages[0].type == "Connected", messages
    events = [message.event for message in messages if message.type == "TurnInfo"]
    assert events[0] == "StartOfTurn" and {"EagerEndOfTurn", "EndOfTurn"} <= set(events), events

    spoken, kinds = b"", []
    with client.speak.v1.connect(model="aura-2-thalia-en", encoding="mulaw", sample_rate=8000) as stream:
        stream.send_text(SpeakV1Text(type="Speak", text="Good morning. "))
        stream.send_flush()
        for message in stream:
            if isinstance(message, bytes):
                spoken += message
                continue
            kinds.append(valid(message).type)
            if kinds[-1] == "Flushed":
                break
        stream.send_close()
    assert kinds == ["Metadata", "Flushed"] and len(spoken) > 4000, (kinds, len(spoken))


def main():
    base = sys.argv[1].rstrip("/")
    failed = False
    for package, check in [("openai", check_openai), ("deepgram", check_deepgram), ("cartesia", check_cartesia)]:
        if importlib.util.find_spec(package) is None:
            print(f"missing {package}")
            continue
        try:
            check(base)
            print(f"ok {package}")
        except Exception:
            failed = True
            print(f"failed {package}")
            traceback.print_exc()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
