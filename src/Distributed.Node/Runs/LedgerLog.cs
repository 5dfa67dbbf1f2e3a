using System.Buffers;
using System.Text.Json;
using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Node.Runs;

/// <summary>
/// The lines of ledger.jsonl, one a step: <c>{"step":3,"epoch":1,"groups":[{"group":8,"trained":[0,1],"dropped":{"filtered":[2,3]}}]}</c>.
/// </summary>
internal static class LedgerLog
{
    /// <summary>A line without its end.</summary>
    public static byte[] Format(StepSettled settled)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("step", settled.Version.Value);
            json.WriteNumber("epoch", settled.Epoch.Value);
            json.WriteStartArray("groups");
            foreach (var group in settled.Groups)
            {
                json.WriteStartObject();
                json.WriteNumber("group", group.Group);
                Write(json, "trained", group.Trained);
                json.WriteStartObject("dropped");
                foreach (var dropped in group.Dropped) Write(json, dropped.Reason, dropped.Samples);
                json.WriteEndObject();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The lines of a file, in order.</summary>
    /// <exception cref="RefusedException">The file is missing or a line is no such object.</exception>
    public static IEnumerable<StepSettled> Read(string path)
    {
        foreach (var (number, line) in StepLog.Read(path))
        {
            StepSettled settled;
            try
            {
                using var document = JsonDocument.Parse(line);
                settled = Parse(document.RootElement);
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
            {
                throw new RefusedException($"{path}:{number}: is no line of a ledger ({e.Message.TrimEnd('.')})", e);
            }

            yield return settled;
        }
    }

    private static void Write(Utf8JsonWriter json, string name, IReadOnlyList<int> samples)
    {
        json.WriteStartArray(name);
        foreach (var sample in samples) json.WriteNumberValue(sample);
        json.WriteEndArray();
    }

    private static StepSettled Parse(JsonElement line) => new(
        new PolicyVersion(line.GetProperty("step").GetInt64()),
        new LearnerEpoch(line.GetProperty("epoch").GetInt64()),
        [
            .. line.GetProperty("groups").EnumerateArray().Select(group => new SettledGroup(
                group.GetProperty("group").GetInt64(),
                Samples(group.GetProperty("trained")),
                [.. group.GetProperty("dropped").EnumerateObject().Select(reason => new DroppedSamples(reason.Name, Samples(reason.Value)))])),
        ]);

    private static int[] Samples(JsonElement samples) => [.. samples.EnumerateArray().Select(sample => sample.GetInt32())];
}
