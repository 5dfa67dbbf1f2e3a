using System.Text.Json;

namespace Distributed.Node.Runs;

/// <summary>metrics.jsonl: one flat object per step: step, total_steps, version, seconds, then the metrics by name; null where one was not a number.</summary>
public static class MetricsLog
{
    private static readonly string[] Own = ["step", "total_steps", "version", "seconds"];

    /// <summary>A report as a line.</summary>
    public static byte[] Format(StepReport report)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("step", report.Step);
            json.WriteNumber("total_steps", report.TotalSteps);
            json.WriteNumber("version", report.Version);
            json.WriteNumber("seconds", Math.Round(report.Seconds, 3));
            foreach (var (name, value) in report.Metrics.OrderBy(metric => metric.Key, StringComparer.Ordinal))
            {
                if (double.IsFinite(value))
                {
                    json.WriteNumber(name, value);
                }
                else
                {
                    json.WriteNull(name);
                }
            }
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    /// <summary>The reports of a run so far.</summary>
    /// <exception cref="RefusedException">The file is missing or a line is broken.</exception>
    public static IReadOnlyList<StepReport> Read(string path) =>
        [.. StepLog.Read(path).Select(line => Parse(line.Line, $"{path}:{line.Number}"))];

    private static StepReport Parse(byte[] line, string where)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            var metrics = root.EnumerateObject()
                .Where(p => !Own.Contains(p.Name) && p.Value.ValueKind is JsonValueKind.Number or JsonValueKind.Null)
                .ToDictionary(p => p.Name, p => p.Value.ValueKind == JsonValueKind.Null ? double.NaN : p.Value.GetDouble(), StringComparer.Ordinal);
            return new(
                root.GetProperty("step").GetInt32(),
                root.GetProperty("total_steps").GetInt32(),
                root.GetProperty("version").GetInt64(),
                root.GetProperty("seconds").GetDouble(),
                metrics);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or ArgumentException)
        {
            throw new RefusedException($"{where}: is no line of metrics ({e.Message.TrimEnd('.')}); remove the line", e);
        }
    }
}
