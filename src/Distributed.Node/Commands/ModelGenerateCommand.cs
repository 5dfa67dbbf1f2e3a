using System.CommandLine;
using System.Diagnostics;
using Distributed.Node.Models;
using Distributed.Ports;

namespace Distributed.Node.Commands;

/// <summary><c>distributed model generate</c>: continues token ids, a text or a conversation.</summary>
internal static class ModelGenerateCommand
{
    public static Command Create()
    {
        var folder = ModelCommand.FolderOption();
        var ids = new Option<string?>("--ids") { Description = "Continue these token ids: a JSON file or the JSON itself." };
        var text = new Option<string?>("--text") { Description = "Continue this text; tokens that the tokenizer puts before a text are added." };
        var messages = new Option<string?>("--messages") { Description = "Answer this conversation: a JSON file or the JSON itself, as `model render` takes it." };
        var most = new Option<int>("--max-tokens") { Description = "Most tokens to generate.", DefaultValueFactory = _ => 128 };
        var temperature = new Option<float>("--temperature") { Description = "0 takes the likeliest token always." };
        var topK = new Option<int>("--top-k") { Description = "Keep the k likeliest tokens; 0 keeps all." };
        var topP = new Option<float>("--top-p") { Description = "Keep the likeliest tokens of this mass.", DefaultValueFactory = _ => 1 };
        var minP = new Option<float>("--min-p") { Description = "Keep tokens at least this times as likely as the likeliest." };
        var seed = new Option<ulong>("--seed") { Description = "Seed; sample i takes this plus i.", DefaultValueFactory = _ => 1 };
        var samples = new Option<int>("--samples") { Description = "How many continuations.", DefaultValueFactory = _ => 1 };
        var stops = new Option<string[]>("--stop") { Description = "End after this text; may be given several times." };
        var stopTokens = new Option<int[]>("--stop-token") { Description = "End after this token id; may be given several times." };
        var threads = ModelCommand.ThreadsOption();
        var command = new Command("generate", "Continue token ids, a text or a conversation; one JSON object per sample.")
        {
            folder, ids, text, messages, most, temperature, topK, topP, minP, seed, samples, stops, stopTokens, threads,
        };
        command.SetAction((parsed, cancel) =>
        {
            var wanted = new Wanted(
                parsed.GetValue(ids), parsed.GetValue(text), parsed.GetValue(messages), parsed.GetValue(most), parsed.GetValue(samples), parsed.GetValue(seed),
                new SamplingOptions(parsed.GetValue(temperature), parsed.GetValue(topK), parsed.GetValue(topP), parsed.GetValue(minP)),
                parsed.GetValue(stops) ?? [], parsed.GetValue(stopTokens) ?? []);
            return Task.FromResult(Print(parsed.GetValue(folder)!, wanted, parsed.GetValue(threads), cancel));
        });
        return command;
    }

    private static int Print(string folder, Wanted wanted, int threads, CancellationToken cancel)
    {
        if (new[] { wanted.Ids, wanted.Text, wanted.Messages }.Count(given => given is not null) != 1)
            throw new RefusedException("give --ids, --text or --messages, one of the three");
        if (wanted.Samples is < 1 or > 1024)
            throw new RefusedException($"--samples {wanted.Samples}; give 1 to 1024");
        using var engine = ModelEngine.Open(folder, threads);
        if (engine.Tokenizer is null && (wanted.Ids is null || wanted.Stops.Length > 0))
            throw new RefusedException($"{folder}: has no {ModelEngine.TokenizerName}; give --ids, and --stop-token instead of --stop");
        var prompt = Prompt(folder, wanted, engine);
        var requests = Enumerable.Range(0, wanted.Samples).Select(i =>
            new GenerateRequest(i, prompt, wanted.Sampling, wanted.Seed + (ulong)i, wanted.MostTokens, wanted.Stops) { StopTokens = wanted.StopTokens }).ToArray();
        var start = Stopwatch.GetTimestamp();
        var replies = engine.Generate(requests, cancel);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        foreach (var reply in replies)
        {
            OutputJson.Print(json =>
            {
                json.WriteStartObject();
                json.WriteNumber("prompt_tokens", prompt.Length);
                json.WriteIds("tokens", reply.Tokens.Span);
                if (engine.Tokenizer is { } tokenizer)
                    json.WriteString("text", tokenizer.DecodePlain(reply.Tokens.Span));
                json.WriteFloats("log_probs", reply.LogProbs.Span);
                json.WriteFloats("model_log_probs", reply.ModelLogProbs.Span);
                json.WriteString("finish", reply.Finish switch { FinishReason.Stop => "stop", FinishReason.Length => "length", _ => "context_full" });
                json.WriteNumber("seconds", Math.Round(seconds, 3));
                json.WriteEndObject();
            });
        }

        return 0;
    }

    private static int[] Prompt(string folder, Wanted wanted, ModelEngine engine)
    {
        if (wanted.Ids is not null)
            return TokenLists.Read(wanted.Ids, engine.Limits.VocabularySize) is [var only] ? only : throw new RefusedException("--ids takes one list; run the command once for each");
        // A template writes the begin token itself.
        var prompt = wanted.Text is not null
            ? engine.Tokenizer!.EncodeFramed(wanted.Text)
            : engine.Tokenizer!.Encode(ModelRenderCommand.Render(folder, Conversation.Read(wanted.Messages!, asks: true)));
        return prompt.Length > 0 ? prompt : throw new RefusedException("an empty prompt; give at least one token to continue");
    }

    private sealed record Wanted(
        string? Ids, string? Text, string? Messages, int MostTokens, int Samples, ulong Seed, SamplingOptions Sampling, string[] Stops, int[] StopTokens);
}
