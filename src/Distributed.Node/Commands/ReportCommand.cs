using System.CommandLine;
using Distributed.Node.Reports;

namespace Distributed.Node.Commands;

/// <summary><c>distributed report</c>: learning curves and trajectories as one HTML page.</summary>
internal static class ReportCommand
{
    public static Command Create()
    {
        var run = new Argument<string>("run") { Description = "A run folder." };
        var command = new Command("report", "Write report.html anew: learning curves and trajectories on one page that needs nothing else.") { run };
        command.SetAction(parsed =>
        {
            Console.Out.WriteLine(ReportPage.Write(parsed.GetValue(run)!));
            return 0;
        });
        return command;
    }
}
