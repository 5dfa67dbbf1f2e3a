using System.CommandLine;
using System.Runtime.InteropServices;
using Distributed.Engine.Scoring;
using Distributed.Node.Composition;
using Distributed.Node.Models;

namespace Distributed.Node.Commands;

/// <summary><c>distributed model logprobs</c>: what the model makes of given tokens.</summary>
internal static class ModelLogProbsCommand
{
    public static Command Create()
    {
        var folder = ModelCommand.FolderOption();
        var ids = new Option<string>("--ids") { Description = "Token ids: a JSON file (- for standard input) or the JSON itself; a list, a list of lists, or an object with input_ids.", Required = true };
        var logits = new Option<string?>("--logits") { Description = "Write the logits here too: little-endian float32, [tokens, vocabulary] of each sequence back to back." };
        var threads = ModelCommand.ThreadsOption();
        var command = new Command("logprobs", "Log-probability of every token given those before it, one JSON object per sequence.") { folder, ids, logits, threads };
        command.SetAction((parsed, cancel) => Task.FromResult(Print(parsed.GetValue(folder)!, parsed.GetValue(ids)!, parsed.GetValue(logits), parsed.GetValue(threads), cancel)));
        return command;
    }

    private static int Print(string folder, string source, string? logits, int threads, CancellationToken cancel)
    {
        IReadOnlyList<int[]> sequences;
        using (var engine = ModelEngine.Open(folder, threads))
        {
            sequences = TokenLists.Read(source, engine.Limits.VocabularySize);
            var logProbs = engine.LogProbs(sequences, cancel);
            foreach (var (index, values) in logProbs.Index())
            {
                OutputJson.Print(json =>
                {
                    var sum = 0.0;
                    foreach (var value in values.Span)
                        sum += value;
                    json.WriteStartObject();
                    json.WriteNumber("tokens", sequences[index].Length);
                    json.WriteNumber("sum", sum);
                    json.WriteFloats("log_probs", values.Span);
                    json.WriteEndObject();
                });
            }
        }

        if (logits is not null)
            Refusals.Of(() => WriteLogits(folder, sequences, logits));
        return 0;
    }

    private static int WriteLogits(string folder, IReadOnlyList<int[]> sequences, string path)
    {
        using var reader = LogitReader.Load(folder);
        using var file = File.Create(path);
        foreach (var ids in sequences)
            reader.Read(ids, row => file.Write(MemoryMarshal.AsBytes(row)));
        return 0;
    }
}
