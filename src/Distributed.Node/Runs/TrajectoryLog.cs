using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Distributed.Node.Runs;

/// <summary>trajectories.jsonl: one <see cref="TrajectoryRecord"/> per line, names in snake_case.</summary>
public static class TrajectoryLog
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = false,
    };

    /// <summary>A trajectory as a line.</summary>
    public static byte[] Format(TrajectoryRecord trajectory) => JsonSerializer.SerializeToUtf8Bytes(trajectory, Options);

    /// <summary>The trajectories kept so far.</summary>
    /// <exception cref="RefusedException">The file is missing or a line is broken.</exception>
    public static IEnumerable<TrajectoryRecord> Read(string path) =>
        StepLog.Read(path).Select(line => Parse(line.Line, $"{path}:{line.Number}"));

    private static TrajectoryRecord Parse(byte[] line, string where)
    {
        try
        {
            var record = JsonSerializer.Deserialize<TrajectoryRecord>(line, Options);
            return record is { Prompt: not null, GoldenAnswers: not null, Turns: not null, Outcome: not null }
                ? record
                : throw new JsonException("prompt, golden_answers, turns or outcome is missing");
        }
        catch (JsonException e)
        {
            throw new RefusedException($"{where}: is no trajectory ({e.Message.TrimEnd('.')}); remove the line", e);
        }
    }
}
