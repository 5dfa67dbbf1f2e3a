using System.Globalization;
using System.Text;
using System.Text.Json;
using Distributed.Credit.Bias;

namespace Distributed.Node.CreditFiles;

/// <summary>The bias study as tables and JSON.</summary>
internal static class BiasText
{
    /// <summary>What the columns mean.</summary>
    public const string Note = "stop 0, stop 1: expected gradient of the logit of answering at once at depth 0 and 1, with the true one behind it; negative means search more. "
        + "Methods that divide by a deviation carry a positive scale: compare their signs and zeros, not their sizes. Methods without gains are measured against the gradient of E[outcome], the others against E[outcome + sum of gains].";

    private static readonly string[] Heads = ["method", "stop 0", "true", "stop 1", "true", "bias norm", "cosine", "variance", "stopping"];

    /// <summary>For a terminal.</summary>
    public static string Plain(IReadOnlyList<BiasRow> rows) => Tables(rows, (text, cells) =>
    {
        var widths = Heads.Select((head, column) => cells.Select(row => row[column].Length).Append(head.Length).Max()).ToArray();
        foreach (var row in cells.Prepend(Heads))
            text.AppendJoin("  ", row.Select((cell, column) => column is 0 or 8 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))).Append('\n');
    });

    /// <summary>As Markdown.</summary>
    public static string Markdown(IReadOnlyList<BiasRow> rows) => Tables(rows, (text, cells) =>
    {
        text.Append("| ").AppendJoin(" | ", Heads).Append(" |\n|---|").AppendJoin("", Heads.Skip(1).Select(_ => "---:|")).Append('\n');
        foreach (var row in cells) text.Append("| ").AppendJoin(" | ", row).Append(" |\n");
    }) + "\n" + Note + "\n";

    /// <summary>As JSON, all digits.</summary>
    public static byte[] Json(IReadOnlyList<BiasRow> rows, int groupSize)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, IndentSize = 1 }))
        {
            json.WriteStartObject();
            json.WriteString("format", "distributed-bias");
            json.WriteNumber("version", 1);
            json.WriteNumber("group_size", groupSize);
            json.WriteStartArray("rows");
            foreach (var row in rows)
            {
                json.WriteStartObject();
                json.WriteString("problem", row.Problem.Name);
                json.WriteString("method", row.Method.Name);
                json.WriteString("estimator", row.Method.Method);
                json.WriteStartObject("options");
                foreach (var (key, value) in row.Method.Options) json.WriteString(key, value);
                json.WriteEndObject();
                json.WriteString("target", row.Method.Target == GradientTarget.Outcome ? "outcome" : "outcome+ig");
                Table("true_gradient", row.Problem.TrueGradient(row.Method.Target));
                Table("expected_gradient", row.Report.ExpectedGradient);
                Table("bias", row.Report.Bias);
                json.WriteNumber("bias_norm", row.Report.BiasNorm);
                json.WriteNumber("cosine", row.Report.Cosine);
                json.WriteNumber("trace_variance", row.Report.TraceVariance);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();

            void Table(string name, double[][] values)
            {
                json.WriteStartArray(name);
                foreach (var line in values)
                {
                    json.WriteStartArray();
                    foreach (var value in line) json.WriteNumberValue(value);
                    json.WriteEndArray();
                }

                json.WriteEndArray();
            }
        }

        return stream.ToArray();
    }

    private static string Tables(IReadOnlyList<BiasRow> rows, Action<StringBuilder, IReadOnlyList<IReadOnlyList<string>>> table)
    {
        var text = new StringBuilder();
        foreach (var problem in rows.GroupBy(row => row.Problem))
        {
            text.Append(CultureInfo.InvariantCulture, $"{(text.Length > 0 ? "\n" : "")}{problem.Key.Name}: {problem.Key.Description}\n\n");
            table(text, [.. problem.Select(Cells)]);
        }

        return text.ToString();
    }

    private static IReadOnlyList<string> Cells(BiasRow row) =>
    [
        row.Method.Name, Signed(row.Stop(0)), Signed(row.TrueStop(0)), Signed(row.Stop(1)), Signed(row.TrueStop(1)),
        row.Report.BiasNorm < 1e-9 ? "0" : row.Report.BiasNorm.ToString("0.0000", CultureInfo.InvariantCulture),
        row.Report.Cosine.ToString("0.000", CultureInfo.InvariantCulture),
        row.Report.TraceVariance.ToString("0.0000", CultureInfo.InvariantCulture),
        Verdict(row),
    ];

    private static string Verdict(BiasRow row) => (row.Verdict(0), row.Verdict(1)) switch
    {
        (StopVerdict.Exact, _) => "exact",
        (StopVerdict.Reversed, StopVerdict.Reversed) => "reversed",
        (StopVerdict.Reversed, _) => "reversed at 0",
        (_, StopVerdict.Reversed) => "reversed at 1",
        (StopVerdict.Blind, _) or (_, StopVerdict.Blind) => "blind",
        _ => "same sign",
    };

    private static string Signed(double value) => Math.Abs(value) < 5e-6 ? "0" : value.ToString("+0.00000;-0.00000", CultureInfo.InvariantCulture);
}
