using System.Diagnostics;
using System.Text.RegularExpressions;
using Distributed.Node.Cluster;

namespace Distributed.Cluster.Tests;

/// <summary>The simulator's commands as people start them: processes of their own.</summary>
[Collection("processes")]
public sealed partial class SimulationCommandTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("distributed-simulation-tests-");

    [Fact]
    public async Task The_same_seed_gives_the_same_trace_in_another_process()
    {
        var (first, again) = (await Run("simulate", "--seed", "17"), await Run("simulate", "--seed", "17"));
        (first.Code, again.Code).ShouldBe((0, 0), first.Text);
        Trace(first.Text).ShouldBe(Trace(again.Text));
        first.Text.ShouldContain("every promise was kept");
    }

    [Fact]
    public async Task The_same_experiment_gives_the_same_trace_in_another_process()
    {
        string[] arguments = ["scale", "--nodes", "1,3", "--steps", "3", "--staleness", "1", "--spread", "peers", "--mtbf-hours", "1"];
        var (first, again) = (await Run(arguments), await Run(arguments));
        (first.Code, again.Code).ShouldBe((0, 0), first.Text);
        Trace(first.Text).ShouldBe(Trace(again.Text));
    }

    [Fact]
    public async Task A_plan_that_fails_is_kept_and_fails_again_and_can_be_shrunk()
    {
        var failed = await Run("simulate", "--seed", "1", "--plant", "admission-bound-lost");
        failed.Code.ShouldBe(1, failed.Text);
        failed.Text.ShouldContain("BROKEN: admission bound");
        File.Exists(Path.Combine(_folder.FullName, "plan-1.json")).ShouldBeTrue();
        var again = await Run("simulate", "--plan", "plan-1.json", "--story");
        (again.Code, Trace(again.Text)).ShouldBe((1, Trace(failed.Text)), again.Text);
        var shrunk = await Run("simulate", "--plan", "plan-1.json", "--shrink", "--out", "small.json");
        shrunk.Code.ShouldBe(1, shrunk.Text);
        (await Run("simulate", "--plan", "small.json")).Text.ShouldContain("BROKEN: admission bound");
    }

    [Fact]
    public async Task Real_processes_with_engines_that_sleep_come_to_the_end_of_a_validation()
    {
        var validation = await Run("scale", "--validate", "--nodes", "2", "--prompts", "2", "--steps", "2");
        validation.Code.ShouldBe(0, validation.Text);
        validation.Text.ShouldContain("predicted s/step");
    }

    public void Dispose() => _folder.Delete(recursive: true);

    [GeneratedRegex("trace ([0-9a-f]{16}[0-9a-f ]*)")]
    private static partial Regex TraceOf();

    private static string Trace(string text) => TraceOf().Match(text) is { Success: true } match ? match.Groups[1].Value.Trim() : throw new InvalidOperationException($"no trace in: {text}");

    private async Task<(int Code, string Text)> Run(params string[] arguments)
    {
        var program = NodeProgram.This();
        using var process = Process.Start(new ProcessStartInfo(program.File, [.. program.Arguments, .. arguments])
        {
            WorkingDirectory = _folder.FullName,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(Limit);
        return (process.ExitCode, await output + await errors);
    }
}
